// Package netspace makes network namespaces of Linux, with TAP devices in them,
// for tests and measurements. It takes the rights of root.
package netspace
