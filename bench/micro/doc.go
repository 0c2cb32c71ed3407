// Package micro measures parts of Bobtail by themselves, side by side with what
// other libraries have in their place: parsers, routers, writers, framing,
// codecs, deadlines. It is tests alone. README.md tells how to run it.
package micro
