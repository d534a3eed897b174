package answer

import (
	"runtime"
	"sync"

	"github.com/cocoon-network/cocoon/protocol/stream"
)

// outbox sends frames of all answers. Those that are due at one time go together:
// who comes first waits for the others that are ready to run, and sends for all.
type outbox struct {
	w    [32]byte
	send func(subject string, data []byte) error

	sending sync.Mutex // what comes meanwhile gathers

	mu   sync.Mutex
	next *batch // nil where nobody gathers one
}

// batch is what goes together.
type batch struct {
	nodes  []string
	frames map[string][][]byte // by node
	sent   chan struct{}       // closed once it was, or failed
	err    error
}

// put returns once a frame is sent to a node; an error says that nobody listens.
func (o *outbox) put(node string, frame []byte) error {
	b, first := o.join(node, frame)
	if !first {
		<-b.sent
		return b.err
	}
	runtime.Gosched()
	o.sending.Lock()
	defer o.sending.Unlock()
	o.mu.Lock()
	o.next = nil
	o.mu.Unlock()
	defer close(b.sent)
	b.err = o.flush(b)
	return b.err
}

// join adds a frame to the batch that is gathered, and reports whether it is the first.
func (o *outbox) join(node string, frame []byte) (b *batch, first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if first = o.next == nil; first {
		o.next = &batch{frames: map[string][][]byte{}, sent: make(chan struct{})}
	}
	b = o.next
	if len(b.frames[node]) == 0 {
		b.nodes = append(b.nodes, node)
	}
	b.frames[node] = append(b.frames[node], frame)
	return b, first
}

func (o *outbox) flush(b *batch) error {
	for _, node := range b.nodes {
		for _, m := range stream.Bundle(b.frames[node]) {
			if err := o.send(stream.FromWorker(node, o.w, stream.FrameVerb), m); err != nil {
				return err
			}
		}
	}
	return nil
}
