"""Write all of a household's stock to a file, page by page.

``writing.writer_of`` is the entrance. Everything here is a function of the products that it is
given. A writer holds one page in memory, or for XLSX a file on a disk.
"""
