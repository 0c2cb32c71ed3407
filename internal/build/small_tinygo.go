//go:build tinygo

package build

// Small is whether the size of the code goes before its speed, as it does in
// programs of TinyGo's. What is only for speed is left out of them by it.
const Small = true
