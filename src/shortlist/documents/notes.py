"""The codes for content that was not read, and the values of each.

| code | values | meaning |
|---|---|---|
| unknown_format | extension | no reader exists for files with this extension ("" for none) |
| hidden | | a walk leaves out hidden files and folders such as node_modules |
| excluded | pattern | a pattern of the user leaves out the file or the folder |
| pattern_unused | pattern | a pattern of the user matches nothing in the folders |
| beside_beir | | a walk leaves out what is next to a BEIR corpus |
| is_index | | the folder is a shortlist index |
| not_regular | | the path is a broken link, a device or a pipe |
| name_not_utf8 | | the file name is not UTF-8 |
| unreadable | error | the operating system refused to read the file |
| folder_unreadable | error | the operating system refused to list the folder |
| too_large | megabytes, unpacked | the file is larger than the limit; `unpacked` counts its content when unpacked |
| line_too_long | megabytes | a line is longer than the limit |
| not_text | | the file contains NUL bytes |
| undecodable | encoding | the bytes are not text in this encoding, or ("") in none that is known |
| bad_characters | count | characters are NUL, or half of a surrogate pair, and U+FFFD replaces them |
| guessed_encoding | encoding | the text is not UTF-8, names no encoding, and was read as this one |
| broken | format, error | the file is damaged or is not of its format |
| bad_front_matter | format, error | front matter cannot be parsed as YAML or TOML, and stays in the text |
| bad_title | kind | the title in front matter is a list or an object, and becomes metadata |
| page_broken | error | a page of a PDF is damaged |
| encrypted | | the file needs a password |
| encrypted_or_old | | the file needs a password, or is in an old office format such as .doc |
| no_page_text | | a page of a PDF has no text |
| ocr_failed | error | the OCR of the user failed on a page |
| part_left_out | part, count, include | parts of a file that are not read; `include` reads them ("": nothing does) |
| attachment | name, type | an attachment of a mail without text |
| too_many_cells | cells, most | a sheet has more cells than the limit |
| too_many_values | most | a JSON value has more values than the limit |
| missing_extra | format, extra | the reader of the format needs an optional package |
| empty | | the content has no text |
| no_rows | | a CSV file has no row after its header |
| no_header | column | the first row of a CSV file is data, and the columns have names such as `column` |
| extra_cells | cells, columns, column | a CSV row has more cells than the header, and `column` has several of them |
| bad_csv | error | a CSV row cannot be parsed |
| open_quote | first, last, error | a CSV row with an unclosed quote that took in the lines from `first` to `last` |
| bad_json | error | a line is not JSON |
| deep_json | | a line is nested too deeply |
| not_object | kind | a line is JSON, but not an object |
| missing_field | field | a JSON object lacks a field |
| wrong_type | field, kind, expected | a field has a value of another type |
| empty_id | field | an id is empty |
| bad_id | field | an id contains characters that are not text |
| repeated_id | id, first | the source used the id before, at the place `first` |
| repeated_row | id | an earlier row of the store has the same id |
| unusable_row | error | a row of the store is no passage, for example because its text is empty |
| ids_of_other_source | count, ids, source | another source gave documents with these ids; `ids` are the first ones |
| worker_lost | reason | every worker that prepared the content ended; the next run tries again |
| half_written | document | an interrupted run left the source, or this document of no file, half written |
"""

EMPTY = frozenset(
    {"bad_front_matter", "bad_title", "empty", "guessed_encoding", "no_header", "no_rows", "part_left_out"}
)
"""The codes that a source without text can have. With any other code, a source without documents could not be read."""
