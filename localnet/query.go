package localnet

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
)

// Codes of liteserver errors, as the reference server gives them.
const (
	codeRefused  = 0    // an external message
	codeBadQuery = -400 // the question makes no sense
	codeInternal = 500
	codeUnknown  = 621 // no such question
	codeNotFound = 651 // no such block, or not yet
	codeTimeout  = 652
	codeClosed   = 653
)

// version of the liteserver protocol, 1.1, and what it supports:
// getBlockProof, getMasterchainInfoExt and runSmcMethod.
const (
	protocolVersion      = 0x101
	protocolCapabilities = 7
)

// answer never fails: what goes wrong becomes an error the client can read.
func (c *Chain) answer(ctx context.Context, query tl.Serializable) (answer tl.Serializable) {
	defer func() {
		if r := recover(); r != nil {
			c.log.Error("a query panicked", "query", fmt.Sprintf("%T", query), "panic", r, "stack", string(debug.Stack()))
			answer = ton.LSError{Code: codeInternal, Text: "internal error"}
		}
	}()
	answer, err := c.respond(ctx, query)
	if err == nil {
		return answer
	}
	var known ton.LSError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, errNoBlock):
		return ton.LSError{Code: codeNotFound, Text: err.Error()}
	}
	return ton.LSError{Code: codeBadQuery, Text: err.Error()}
}

// respond obeys the wait that may stand before a query, then answers it.
func (c *Chain) respond(ctx context.Context, query tl.Serializable) (tl.Serializable, error) {
	if list, ok := query.([]tl.Serializable); ok {
		if len(list) != 2 {
			return nil, ton.LSError{Code: codeUnknown, Text: "a query and at most one wait before it are understood"}
		}
		wait, ok := list[0].(ton.WaitMasterchainSeqno)
		if !ok {
			return nil, ton.LSError{Code: codeUnknown, Text: fmt.Sprintf("unknown query prefix %T", list[0])}
		}
		if err := c.await(ctx, uint32(wait.Seqno), time.Duration(wait.Timeout)*time.Millisecond); err != nil {
			return nil, err
		}
		query = list[1]
	}
	if m, ok := query.(ton.SendMessage); ok {
		return c.send(m)
	}
	return c.look().respond(query)
}

// await returns when the masterchain has reached seqno.
func (c *Chain) await(ctx context.Context, seqno uint32, timeout time.Duration) error {
	expired := time.NewTimer(max(0, timeout))
	defer expired.Stop()
	for {
		v, grown := c.watch()
		if v.head.id.SeqNo >= seqno {
			return nil
		}
		select {
		case <-grown:
		case <-expired.C:
			return ton.LSError{Code: codeTimeout, Text: "timeout"}
		case <-ctx.Done():
			return ton.LSError{Code: codeClosed, Text: "cancelled"}
		case <-c.done:
			return ton.LSError{Code: codeClosed, Text: errClosed.Error()}
		}
	}
}

func (c *Chain) send(m ton.SendMessage) (tl.Serializable, error) {
	switch err := c.Push(m.Body); {
	case err == nil:
		return ton.SendMessageStatus{Status: 1}, nil
	case errors.Is(err, errNotAccepted):
		return nil, ton.LSError{Code: codeRefused, Text: "cannot apply external message to current state : " + err.Error()}
	default:
		return nil, ton.LSError{Code: codeRefused, Text: err.Error()}
	}
}

// lookout answers questions about the chain as it was when it was made.
type lookout struct {
	view
	chain *Chain
	now   uint32
}

func (c *Chain) look() lookout {
	v := c.view()
	return lookout{v, c, c.utime(v)}
}

func (l lookout) respond(query tl.Serializable) (tl.Serializable, error) {
	switch q := query.(type) {
	case ton.GetMasterchainInf:
		return l.masterchainInfo(), nil
	case ton.GetMasterchainInfoExt:
		return l.masterchainInfoExt(), nil
	case ton.GetVersion:
		return ton.Version{Version: protocolVersion, Capabilities: protocolCapabilities, Now: l.now}, nil
	case ton.GetTime:
		return ton.CurrentTime{Now: l.now}, nil
	case ton.GetBlockData:
		return l.blockData(q)
	case ton.GetState:
		return l.blockState(q)
	case ton.GetBlockHeader:
		return l.blockHeader(q)
	case ton.LookupBlock:
		return l.lookupBlock(q)
	case ton.GetAllShardsInfo:
		return l.allShardsInfo(q)
	case ton.GetShardInfo:
		return l.shardInfo(q)
	case ton.GetShardBlockProof:
		return l.shardBlockProof(q)
	case ton.GetBlockProof:
		return l.blockProof(q)
	}
	return l.respondAccounts(query)
}

func (l lookout) respondAccounts(query tl.Serializable) (tl.Serializable, error) {
	switch q := query.(type) {
	case ton.GetAccountState:
		return l.accountState(q.ID, q.Account)
	case ton.RunSmcMethod:
		return l.runMethod(q)
	case ton.GetTransactions:
		return l.transactions(q)
	case ton.GetOneTransaction:
		return l.oneTransaction(q)
	case ton.ListBlockTransactions:
		return l.blockTransactions(q)
	case ton.ListBlockTransactionsExt:
		return l.blockTransactionsExt(q)
	case ton.GetConfigAll:
		return l.config(q.BlockID, q.Mode, nil)
	case ton.GetConfigParams:
		return l.config(q.BlockID, q.Mode, q.Params)
	case ton.GetLibraries:
		return l.libraries(q)
	}
	return nil, ton.LSError{Code: codeUnknown, Text: fmt.Sprintf("unsupported query %T", query)}
}

func (l lookout) zeroID() *ton.ZeroStateIDExt {
	id := l.view.zero().id
	return &ton.ZeroStateIDExt{Workchain: id.Workchain, RootHash: id.RootHash, FileHash: id.FileHash}
}

func (l lookout) masterchainInfo() ton.MasterchainInfo {
	return ton.MasterchainInfo{Last: l.head.id, StateRootHash: l.head.state.Hash(), Init: l.zeroID()}
}

func (l lookout) masterchainInfoExt() ton.MasterchainInfoExt {
	last := l.head
	return ton.MasterchainInfoExt{Version: protocolVersion, Capabilities: protocolCapabilities, Last: last.id, LastUTime: last.utime,
		Now: l.now, StateRootHash: last.state.Hash(), Init: l.zeroID()}
}
