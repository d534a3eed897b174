package worker

import (
	"context"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/wrappers"
)

// beat sends heartbeats until ctx ends. A worker that drains is not ready.
func (w *Worker) beat(ctx context.Context) {
	ticker := time.NewTicker(w.cfg.Heartbeat)
	defer ticker.Stop()
	for {
		w.link.beat(w.heartbeat(ctx))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// setRecord takes over what the chain says of the worker now.
func (w *Worker) setRecord(r *wrappers.WorkerRecord) {
	w.record.Store(r)
	w.desk.setConcurrency(r.Concurrency)
}

func (w *Worker) heartbeat(ctx context.Context) bus.Heartbeat {
	record := w.record.Load()
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Heartbeat)
	defer cancel()
	models := make([]cocoon.ModelID, len(record.Models))
	for i, m := range record.Models {
		models[i] = m.Model
	}
	load, ready := w.answers.Load(), w.engine.ready(ctx, models)
	if len(ready) > 0 {
		models = ready
	}
	h := bus.Heartbeat{Provider: w.cfg.Provider, Boot: w.boot, Models: models, Concurrency: record.Concurrency,
		Jobs: uint16(w.desk.held()), Ready: len(ready) > 0 && !load.Draining, P50: w.stats.median(), Key: load.Key, Slots: uint16(cap(w.slots)),
		Busy: uint16(len(w.slots)), Waiting: uint16(load.Waiting), Prefill: load.Prefill, Decode: load.Decode}
	w.stats.mu.Lock()
	defer w.stats.mu.Unlock()
	h.Requests, h.Failures, h.Tokens = w.stats.requests, w.stats.failures, w.stats.tokens
	return h
}
