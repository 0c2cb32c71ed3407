// Package websocket is the driver of WebSocket (RFC 6455).
package websocket
