// Package coaptcp serves CoAP over TCP (RFC 8323) on the slots of an engine.
package coaptcp
