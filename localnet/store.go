package localnet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// store keeps a chain in a folder: chain.log has the zerostates and the key
// blocks, and blocks-N.log the rounds from masterchain block N on, behind a
// checkpoint where N is not the first. A round is in the folder before anybody
// can see it.
type store struct {
	dir      string
	lock     *os.File
	chain    *segment
	current  *segment
	segments []uint32 // first masterchain seqno of each file, in order
	rounds   []stored
	every    uint32 // rounds to a file; 0 is all
	head     *block // of the last round
}

// stored is where a round lies.
type stored struct {
	seqno, segment uint32
	offset         int64
}

const chainFile = "chain.log"

func (s *store) path(first uint32) string {
	return filepath.Join(s.dir, fmt.Sprintf("blocks-%010d.log", first))
}

// create writes the zerostates of a new chain.
func (s *store) create(base, master *block) error {
	if s == nil {
		return nil
	}
	if err := s.chain.append(pack(recordZero, base.boc, master.boc)); err != nil {
		return err
	}
	s.head = master
	return s.begin()
}

// append keeps the blocks of a round, the masterchain's last.
func (s *store) append(blocks []*block) error {
	if s == nil {
		return nil
	}
	head := blocks[len(blocks)-1]
	if head.key {
		if err := s.chain.append(pack(recordKey, head.boc, head.signature)); err != nil {
			return err
		}
	}
	if s.every > 0 && head.id.SeqNo-s.segments[len(s.segments)-1] >= s.every {
		if err := s.rotate(head.id.SeqNo); err != nil {
			return err
		}
	}
	parts := make([][]byte, 0, len(blocks)+1)
	for _, b := range blocks {
		parts = append(parts, b.boc)
	}
	offset := s.current.size
	if err := s.current.append(pack(recordRound, append(parts, head.signature)...)); err != nil {
		return err
	}
	s.rounds = append(s.rounds, stored{head.id.SeqNo, s.segments[len(s.segments)-1], offset})
	s.head = head
	return nil
}

// rotate begins a file with the states after the last round.
func (s *store) rotate(first uint32) error {
	var parts [][]byte
	for _, t := range s.head.tops {
		parts = append(parts, t.block.boc, t.block.state.ToBOC())
	}
	parts = append(parts, s.head.boc, s.head.state.ToBOC(), s.head.signature)
	name := s.path(first)
	next, _, err := openSegment(name+".tmp", func(int64, []byte) error { return errRecord })
	if err != nil {
		return err
	}
	if err = next.append(pack(recordCheckpoint, parts...)); err == nil {
		err = os.Rename(name+".tmp", name)
	}
	if err != nil {
		return errors.Join(err, next.file.Close())
	}
	old := s.current
	s.current, s.segments = next, append(s.segments, first)
	return old.file.Close()
}

// prune removes the files whose rounds are all before a masterchain block.
func (s *store) prune(before uint32) error {
	if s == nil {
		return nil
	}
	for len(s.segments) > 1 && s.segments[1] <= before {
		if err := os.Remove(s.path(s.segments[0])); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		s.segments = s.segments[1:]
	}
	i := slices.IndexFunc(s.rounds, func(r stored) bool { return r.segment >= s.segments[0] })
	s.rounds = s.rounds[max(i, 0):]
	return nil
}

// revert forgets the rounds after a masterchain block.
func (s *store) revert(head *block) error {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.rounds, func(r stored) bool { return r.seqno > head.id.SeqNo })
	if i < 0 {
		return nil
	}
	first := s.rounds[i]
	for s.segments[len(s.segments)-1] > first.segment {
		last := s.segments[len(s.segments)-1]
		if err := errors.Join(s.current.file.Close(), os.Remove(s.path(last))); err != nil {
			return err
		}
		s.segments = s.segments[:len(s.segments)-1]
		file, err := os.OpenFile(s.path(s.segments[len(s.segments)-1]), os.O_RDWR, 0o644)
		if err != nil {
			return err
		}
		s.current = &segment{file: file}
	}
	if err := s.current.cutTo(first.offset); err != nil {
		return err
	}
	s.rounds, s.head = s.rounds[:i], head
	return nil
}

func (s *store) close() error {
	if s == nil {
		return nil
	}
	var errs []error
	for _, g := range []*segment{s.chain, s.current} {
		if g != nil {
			errs = append(errs, g.file.Close())
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
