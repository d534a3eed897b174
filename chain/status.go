package chain

import (
	"time"
)

// State is whether a liteserver is asked.
type State string

// The states of a liteserver.
const (
	Good        State = "good"
	Resting     State = "resting"     // failed lately: asked after the others
	Quarantined State = "quarantined" // said what is not so: not asked any more
)

// ServerStatus is what a Client knows of one liteserver by asking it.
type ServerStatus struct {
	Address   string  `json:"address"`
	State     State   `json:"state"`
	Reason    string  `json:"reason,omitempty"` // of the quarantine
	LatencyMS float64 `json:"latency_ms"`       // of one answer, the newest counting most; 0 where none came
	Asked     int     `json:"asked"`
	Failed    int     `json:"failed"`
	Failures  int     `json:"failures"` // since the last answer
	Oldest    uint32  `json:"oldest"`   // masterchain seqno of the oldest block it may have; 0 where it has shown no end
}

// Status is the state of each liteserver, in the order of the network file.
func (c *Client) Status() []ServerStatus {
	list := make([]ServerStatus, len(c.servers))
	for i, s := range c.servers {
		list[i] = s.health.status()
		list[i].Address = s.Addr
	}
	return list
}

func (h *health) status() ServerStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := ServerStatus{State: Good, LatencyMS: h.usual.Seconds() * 1000, Asked: h.asked, Failed: h.faults, Failures: h.inRow,
		Oldest: max(h.reaches[masterchain].oldest, h.reaches[shards].oldest)}
	if time.Now().Before(h.rest) {
		s.State = Resting
	}
	if h.lie != nil {
		s.State, s.Reason = Quarantined, h.lie.Error()
	}
	return s
}
