package answer

import (
	"runtime"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon/protocol/stream"
)

// outbox sends frames of all answers, and what goes with them. Those that are due at
// one time go together: who comes first waits for the others that are ready to run,
// and sends for all. Receipts that wait for company go behind them.
type outbox struct {
	w     [32]byte
	send  func(subject string, data []byte) error
	bills *bills

	sending sync.Mutex // what comes meanwhile gathers

	mu   sync.Mutex
	next *batch // nil where nobody gathers one
}

// batch is what goes together.
type batch struct {
	nodes    []string
	messages map[string][][]byte // by node
	sent     chan struct{}       // closed once it was, or failed
	err      error
}

// put returns once messages are sent to a node, together; an error says that nobody
// listens.
func (o *outbox) put(node string, messages ...[]byte) error {
	b, first := o.join(node, messages)
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
	runtime.Gosched() // the link writes before we go on
	return b.err
}

// join adds messages to the batch that is gathered, and reports whether they are the first.
func (o *outbox) join(node string, messages [][]byte) (b *batch, first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if first = o.next == nil; first {
		o.next = &batch{messages: map[string][][]byte{}, sent: make(chan struct{})}
	}
	b = o.next
	if len(b.messages[node]) == 0 {
		b.nodes = append(b.nodes, node)
	}
	b.messages[node] = append(b.messages[node], messages...)
	return b, first
}

func (o *outbox) flush(b *batch) error {
	for _, node := range b.nodes {
		due := o.bills.due(time.Now(), node)
		messages := b.messages[node]
		for _, r := range due {
			messages = append(messages, r.raw)
		}
		for _, m := range stream.Bundle(messages) {
			if err := o.send(stream.FromWorker(node, o.w, stream.FrameVerb), m); err != nil {
				o.bills.unsent(due)
				return err
			}
		}
	}
	return nil
}
