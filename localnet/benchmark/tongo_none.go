//go:build !(cgo && emulator && linux && amd64)

package main

import "errors"

func newTongo(*transfers) (executor, error) {
	return nil, errors.New("built without cgo and the tag emulator, or not for Linux on amd64")
}
