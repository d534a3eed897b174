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
)

// Head is the newest masterchain block, asked for anew each time.
func (c *Client) Head(ctx context.Context) (*BlockID, error) { return c.head(ctx, 0, c.opts.Timeout) }

// WaitSeqno is the masterchain block of that seqno; it waits for a block to come
// until ctx ends.
func (c *Client) WaitSeqno(ctx context.Context, seqno uint32) (*BlockID, error) {
	head, err := c.headFrom(ctx, seqno)
	if err != nil || head.SeqNo == seqno {
		return head, err
	}
	return c.LookupMaster(ctx, seqno)
}

// headFrom is the newest masterchain block, once its seqno is at least that.
func (c *Client) headFrom(ctx context.Context, seqno uint32) (*BlockID, error) {
	for {
		head, err := c.head(ctx, seqno, longPoll+c.opts.Timeout)
		var ls ton.LSError
		if errors.As(err, &ls) && ls.Code == codeWaitTimeout {
			continue // every server still waits, and so do we
		}
		return head, err
	}
}

// LookupMaster is the masterchain block of that seqno; NotFound where the chain
// has not come so far.
func (c *Client) LookupMaster(ctx context.Context, seqno uint32) (id *BlockID, err error) {
	err = c.ask(ctx, fmt.Sprintf("look up masterchain block %d", seqno), c.opts.Timeout, func(ctx context.Context, api *ton.APIClient) error {
		found, err := api.LookupBlock(ctx, -1, math.MinInt64, seqno)
		if err != nil {
			return err
		}
		if found.Workchain != -1 || found.Shard != math.MinInt64 || found.SeqNo != seqno {
			return fmt.Errorf("asked for masterchain block %d, got another", seqno)
		}
		if err = c.prove(ctx, api, found); err == nil {
			id = found
		}
		return err
	})
	return id, err
}

// head asks for the newest masterchain block, not before one of seqno wait is there.
func (c *Client) head(ctx context.Context, wait uint32, timeout time.Duration) (id *BlockID, err error) {
	err = c.ask(ctx, "read the newest block", timeout, func(ctx context.Context, api *ton.APIClient) error {
		client := api.Client()
		if wait > 0 {
			client = api.WaitForBlock(wait).Client()
		}
		var answer tl.Serializable
		if err := client.QueryLiteserver(ctx, ton.GetMasterchainInf{}, &answer); err != nil {
			return err
		}
		info, err := masterInfo(answer)
		if err != nil {
			return err
		}
		zero := c.network.ZeroState
		if !bytes.Equal(info.Init.RootHash, zero.RootHash) || !bytes.Equal(info.Init.FileHash, zero.FileHash) {
			return wrongNetwork("the chain began with %x, the network file says %x", info.Init.RootHash, zero.RootHash)
		}
		if info.Last.SeqNo < wait {
			return fmt.Errorf("waited for block %d, got %d", wait, info.Last.SeqNo)
		}
		if err = c.prove(ctx, api, info.Last); err == nil {
			id = info.Last
		}
		return err
	})
	return id, err
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

// Time is the chain's time at a block, in whole seconds.
func (c *Client) Time(ctx context.Context, id *BlockID) (time.Time, error) {
	h, err := c.header(ctx, id)
	return time.Unix(int64(h.GenUtime), 0), err
}
