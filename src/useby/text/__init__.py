"""Words of notifications in the languages of people: catalogues, plural rules, lists, numbers.

The catalogues are compiled from ``catalogues/*.po`` by ``make messages``, which also fills in what
the Unicode CLDR has of each language. So a node needs no library for them.
"""
