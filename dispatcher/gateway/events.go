package gateway

import (
	"sync"

	"github.com/cocoon-network/cocoon/protocol/stream"
)

// maxHeld is how many messages of workers what they bring about is held for.
const maxHeld = 256

// events go to daemons in order. While they are held they gather, and go together.
type events struct {
	send func(key [32]byte, message []byte)

	mu      sync.Mutex
	held    int // by so many
	keys    [][32]byte
	waiting map[[32]byte][][]byte
}

func (e *events) tell(key [32]byte, m []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.held == 0 {
		e.send(key, m)
		return
	}
	if len(e.waiting[key]) == 0 {
		e.keys = append(e.keys, key)
	}
	e.waiting[key] = append(e.waiting[key], m)
}

// hold has events wait for release, by anybody who holds them.
func (e *events) hold() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.held++; e.waiting == nil {
		e.waiting = map[[32]byte][][]byte{}
	}
}

func (e *events) release() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, key := range e.keys {
		for _, m := range stream.Bundle(e.waiting[key]) {
			e.send(key, m)
		}
	}
	e.held--
	e.keys = e.keys[:0]
	clear(e.waiting)
}
