// Package build says what the program is built for.
package build
