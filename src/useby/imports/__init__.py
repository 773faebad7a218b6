"""Read files of products in the formats that people have.

``reading.read`` is the entrance. Everything here is a function of the file's bytes, the options and
the present day. Every file is hostile: its size, rows, columns and unpacked size have limits, and
each fault is an ``UnreadableFile`` or a line of the report.
"""
