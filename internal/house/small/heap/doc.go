// Package heap stands in for the heap that TinyGo's -gc=none leaves out. What
// calls the allocator then does not link, and append and the words of a panic
// call it: 12 KB serve until Seal, and after it every allocation ends
// the program.
package heap
