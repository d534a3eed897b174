package localnet

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/internal/filelock"
)

// openStore reads the chain of a folder into r, whose head stays nil where the
// folder is new. What it opened is to be closed whether it fails or not.
func openStore(dir string, keep int, r *restorer) (*store, error) {
	err := os.MkdirAll(dir, 0o755)
	if err != nil {
		return nil, err
	}
	s := &store{dir: dir, every: uint32(keep)}
	if keep > 0 {
		s.every = max(uint32(keep)/2, 64)
	}
	if s.lock, err = filelock.Take(filepath.Join(dir, "lock")); err != nil {
		return nil, err
	}
	keys, err := s.openChain(r)
	if err != nil {
		return s, err
	}
	if s.segments, err = s.list(); err != nil {
		return s, err
	}
	if r.head == nil {
		if len(s.segments) > 0 {
			return s, fmt.Errorf("%s holds blocks, but %s names no zerostate: move the folder away to begin anew", dir, chainFile)
		}
		return s, nil
	}
	return s, s.openSegments(r, keys)
}

// openChain reads the zerostates, and lists the key blocks and their signatures.
func (s *store) openChain(r *restorer) (keys [][][]byte, err error) {
	s.chain, _, err = openSegment(filepath.Join(s.dir, chainFile), func(_ int64, payload []byte) error {
		kind, parts, err := unpack(payload)
		switch {
		case err != nil:
			return err
		case kind == recordZero && len(parts) == 2 && r.head == nil:
			for _, p := range parts {
				if _, err = r.zerostate(p); err != nil {
					return err
				}
			}
			return nil
		case kind == recordKey && len(parts) == 2 && r.head != nil:
			keys = append(keys, parts)
			return nil
		}
		return errRecord
	})
	return keys, err
}

// list finds the files of blocks; what is left of one that was being made goes.
func (s *store) list() (firsts []uint32, err error) {
	names, err := filepath.Glob(filepath.Join(s.dir, "blocks-*.log*"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		digits, ok := strings.CutPrefix(filepath.Base(name), "blocks-")
		if strings.HasSuffix(digits, ".tmp") {
			if err = os.Remove(name); err != nil {
				return nil, err
			}
			continue
		}
		first, err := strconv.ParseUint(strings.TrimSuffix(digits, ".log"), 10, 32)
		if !ok || err != nil || name != s.path(uint32(first)) {
			return nil, fmt.Errorf("%s is not a file of this program", name)
		}
		firsts = append(firsts, uint32(first))
	}
	slices.Sort(firsts)
	return firsts, nil
}

func (s *store) openSegments(r *restorer, keys [][][]byte) error {
	if len(s.segments) == 0 {
		return s.begin()
	}
	for i, first := range s.segments {
		segment, torn, err := openSegment(s.path(first), func(offset int64, payload []byte) error {
			return s.read(r, first, offset, payload)
		})
		if err != nil {
			return err
		}
		s.current = segment
		if i == len(s.segments)-1 {
			break
		}
		if err = segment.file.Close(); err != nil {
			return err
		}
		if torn {
			return fmt.Errorf("%s is damaged: its last record is torn, but there are newer files", segment.file.Name())
		}
	}
	s.head = r.head
	return r.addKeys(keys)
}

// begin makes the first file of a chain that has none yet.
func (s *store) begin() (err error) {
	s.segments = []uint32{1}
	s.current, _, err = openSegment(s.path(1), func(int64, []byte) error { return errRecord })
	return err
}

func (s *store) read(r *restorer, first uint32, offset int64, payload []byte) error {
	kind, parts, err := unpack(payload)
	if err != nil {
		return err
	}
	switch {
	case kind == recordCheckpoint && offset == 0 && first != 1:
		if first != s.segments[0] { // the rounds before it led here already
			return nil
		}
		return r.checkpoint(parts)
	case kind == recordRound && len(parts) > 2 && (offset > 0 || first == 1):
		n := len(parts) - 1
		if err = r.round(parts[:n], parts[n]); err != nil {
			return err
		}
		s.rounds = append(s.rounds, stored{r.head.id.SeqNo, first, offset})
		return nil
	}
	return errRecord
}

var errNoKey = errors.New("a key block that later blocks refer to is missing")

// addKeys restores the key blocks before the oldest kept round that its blocks
// lead back to. Others were taken back, or never became part of the chain; of two
// of a seqno the later one did.
func (r *restorer) addKeys(keys [][][]byte) error {
	bySeqno := map[uint32]*block{}
	for _, parts := range keys {
		b, err := key(parts[0], parts[1])
		if err != nil {
			return fmt.Errorf("key block: %w", err)
		}
		bySeqno[b.id.SeqNo] = b
	}
	kept := r.history[wholeMasterchain]
	zero, rounds := kept[:1], kept[1:]
	if len(rounds) == 0 {
		return nil
	}
	var path []*block
	for ref := rounds[0].lastKey; ref != nil && ref.SeqNo > 0; ref = path[0].lastKey {
		b := bySeqno[ref.SeqNo]
		if b == nil || ref.RootHash != nil && !bytes.Equal(b.id.RootHash, ref.RootHash) {
			return fmt.Errorf("%w: %d", errNoKey, ref.SeqNo)
		}
		path = append([]*block{b}, path...)
	}
	r.history[wholeMasterchain] = slices.Concat(zero, path, rounds)
	return nil
}

// key restores a key block without its state. Of the one before it it knows the
// seqno only.
func key(boc, signature []byte) (*block, error) {
	root, err := cell.FromBOC(boc)
	if err != nil {
		return nil, err
	}
	var parsed tlb.Block
	if err = tlb.Parse(&parsed, root); err != nil {
		return nil, err
	}
	h := &parsed.BlockInfo
	b := &block{shard: wholeMasterchain, id: newID(wholeMasterchain, h.SeqNo, root, boc), root: root, boc: boc, startLT: h.StartLt, endLT: h.EndLt,
		utime: h.GenUtime, minRef: h.MinRefMcSeqno, master: h.SeqNo, commitment: &commitment{key: true, signature: signature}}
	if h.PrevKeyBlockSeqno > 0 {
		b.lastKey = &tlb.ExtBlkRef{SeqNo: h.PrevKeyBlockSeqno}
	}
	b.txs, err = transactionsOf(&parsed)
	return b, err
}
