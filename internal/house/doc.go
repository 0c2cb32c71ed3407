// Package house holds the rules of the house as tests: which package may import
// which, what a small program may link, and what every file, name and document
// owes its reader. It has no code of its own.
//
// The tests read the files that git tracks, so that a draft beside them does
// not fail them.
package house
