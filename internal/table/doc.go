// Package table has tables by descriptor, of which the elements that are used take
// memory. They are not of Go's heap: there, some bytes for each of many streams
// bring a collection sooner, and with it as much again. Linux only.
package table
