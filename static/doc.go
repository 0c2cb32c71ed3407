// Package static serves content that is known before it is asked for: a table
// of files in the program's memory ([Table]), a single page ([Page]), and on
// hosts a folder ([Dir]).
//
// [Decide] has the rules, and does no input or output: given a request's
// conditions and what there is, it says which status, form and ranges to
// answer (RFC 9110 sections 8.8, 12.5.3, 13 and 14). The rest of the package
// finds what was asked for and sends what was decided.
//
// A file has up to three forms: as it is, and compressed beforehand by gzip
// or Brotli. They share one entity-tag, to which the compressed forms add a
// suffix, since they are representations of their own.
//
// Paths are taken strictly. What is decoded must be a path of plain segments:
// no "." or "..", no empty segment, no backslash, control or drive letter, no
// escaped slash; anything else is 404. Nothing below is asked for it.
//
// Decide answers as package net/http does, with these exceptions, which a test
// lists beside thousands of requests that are answered alike. Ranges are for
// GET alone (section 14.2). A Range field with an error, with a unit other
// than bytes, or with more than MaxRanges ranges or several overlaps is
// ignored, so that the client gets the whole, where net/http answers 416 or
// goes along; units are in upper or lower case. A suffix of no bytes is not
// satisfiable. "*" is a condition by itself only, and If-Range one tag or date.
//
// The conditions are seen if the server keeps the fields of
// http1.DefaultFields, and a worker needs 2048 bytes of memory for the heads of
// answers. Answering allocates nothing, except for a [Dir] that
// opens a file it does not hold or lists a folder. Table and Page run under
// TinyGo.
package static
