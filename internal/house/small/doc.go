// Package small tests what TinyGo makes of the packages that claim it. The
// programs below it use a package each, so that its path of a request is
// compiled whole: without a heap, or as a static server.
package small
