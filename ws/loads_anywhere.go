//go:build 386 || amd64 || arm64 || loong64 || ppc64 || ppc64le || s390x || wasm

package ws

// loadsAnywhere says that words can be loaded at any address.
const loadsAnywhere = true
