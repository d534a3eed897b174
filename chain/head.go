package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
)

// longPoll is how long a liteserver holds a question about a block to come.
const longPoll = 10 * time.Second

var (
	errNoBlock  = cocoon.Invalid.Errorf("no block is given")
	errUnproven = errors.New("no proof")
	errEarly    = errors.New("answered too early")
	errUnheard  = errors.New("not proven yet")
)

// Head is the newest masterchain block, asked for anew each time.
func (c *Client) Head(ctx context.Context) (*BlockID, error) { return c.head(ctx, 0, c.opts.Timeout) }

// WaitSeqno is the masterchain block of that seqno; it waits for a block to come
// until ctx ends.
func (c *Client) WaitSeqno(ctx context.Context, seqno uint32) (*BlockID, error) {
	head, err := c.HeadFrom(ctx, seqno)
	if err != nil || head.SeqNo == seqno {
		return head, err
	}
	return c.LookupMaster(ctx, seqno)
}

// HeadFrom is the newest masterchain block, once its seqno is at least that; it
// waits until ctx ends.
func (c *Client) HeadFrom(ctx context.Context, seqno uint32) (*BlockID, error) {
	for {
		head, err := c.head(ctx, seqno, longPoll+c.opts.Timeout)
		if isWaitTimeout(err) {
			continue // every server still waits, and so do we
		}
		return head, err
	}
}

// LookupMaster is the masterchain block of that seqno; NotFound where the chain
// has not come so far.
func (c *Client) LookupMaster(ctx context.Context, seqno uint32) (*BlockID, error) {
	q := question{what: fmt.Sprintf("look up masterchain block %d", seqno), timeout: c.opts.Timeout, seqno: seqno}
	return ask(ctx, c, q, func(ctx context.Context, api *ton.APIClient) (*BlockID, error) {
		found, err := api.LookupBlock(ctx, -1, math.MinInt64, seqno)
		if err != nil {
			return nil, err
		}
		if found.Workchain != -1 || found.Shard != math.MinInt64 || found.SeqNo != seqno {
			return nil, fmt.Errorf("asked for masterchain block %d, got another", seqno)
		}
		return found, c.prove(ctx, api, found)
	})
}

// head asks for the newest masterchain block, not before one of seqno wait is there.
func (c *Client) head(ctx context.Context, wait uint32, timeout time.Duration) (*BlockID, error) {
	q := question{what: "read the newest block", timeout: timeout, seqno: wait, waits: wait > 0}
	return ask(ctx, c, q, func(ctx context.Context, api *ton.APIClient) (*BlockID, error) {
		client := api.Client()
		if wait > 0 {
			client = api.WaitForBlock(wait).Client()
		}
		var answer tl.Serializable
		if err := client.QueryLiteserver(ctx, ton.GetMasterchainInf{}, &answer); err != nil {
			return nil, err
		}
		info, err := masterInfo(answer)
		if err != nil {
			return nil, err
		}
		zero := c.network.ZeroState
		if !bytes.Equal(info.Init.RootHash, zero.RootHash) || !bytes.Equal(info.Init.FileHash, zero.FileHash) {
			return nil, wrongNetwork("the chain began with %x, the network file says %x", info.Init.RootHash, zero.RootHash)
		}
		if info.Last.SeqNo < wait {
			return nil, fmt.Errorf("%w: waited for block %d, got %d", errEarly, wait, info.Last.SeqNo)
		}
		return info.Last, c.proveClaim(ctx, api, info.Last)
	})
}

func masterInfo(answer tl.Serializable) (ton.MasterchainInfo, error) {
	switch info := answer.(type) {
	case ton.MasterchainInfo:
		if info.Last == nil || info.Init == nil || info.Last.Workchain != -1 || info.Last.Shard != math.MinInt64 {
			return info, errors.New("the newest block is not in the masterchain")
		}
		return info, nil
	case ton.LSError:
		return ton.MasterchainInfo{}, info
	}
	return ton.MasterchainInfo{}, fmt.Errorf("unexpected answer %T", answer)
}

// prove makes sure that the masterchain block belongs to the chain of the
// trusted block, and trusts the newest so proven from then on.
func (c *Client) prove(ctx context.Context, api *ton.APIClient, id *BlockID) error {
	if c.opts.Policy == Fast {
		return nil
	}
	c.mu.Lock()
	known := c.trusted
	c.mu.Unlock()
	if err := api.VerifyProofChain(ctx, known, id); err != nil {
		return fmt.Errorf("%w from block %d to block %d: %w", errUnproven, known.SeqNo, id.SeqNo, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if id.SeqNo > c.trusted.SeqNo {
		c.trusted = id.Copy()
	}
	return nil
}

// proveClaim is prove of a block that a server says is its newest. One that will
// not prove it, and knows another of that seqno when asked, has said what is not so.
func (c *Client) proveClaim(ctx context.Context, api *ton.APIClient, id *BlockID) error {
	err := c.prove(ctx, api, id)
	if heard, ok := api.Client().(*witness); err == nil || ok && heard.answered.Load() {
		return err
	}
	other, lookup := api.LookupBlock(ctx, id.Workchain, id.Shard, id.SeqNo)
	if lookup != nil || other.SeqNo != id.SeqNo || other.Equals(id) {
		return fmt.Errorf("%w: %w", errUnheard, err) // there may be a proof yet
	}
	return fmt.Errorf("%w: the newest block %d is %x, looked up it is %x", errUnproven, id.SeqNo, id.RootHash, other.RootHash)
}

// Time is the chain's time at a block, in whole seconds.
func (c *Client) Time(ctx context.Context, id *BlockID) (time.Time, error) {
	h, err := c.header(ctx, id)
	return time.Unix(int64(h.GenUtime), 0), err
}
