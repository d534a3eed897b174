// Package reference runs transactions in libemulator, the official C++ executor
// as the Go module of tongo carries it. It is empty unless it is built with cgo
// and the tag emulator, on Linux and amd64.
package reference
