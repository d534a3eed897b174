package audit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProcessed_SplitNarrowsAndMergeUnites(t *testing.T) {
	t.Parallel()
	all := shard{0, whole}
	p := processed{all, []mark{{whole, 5, 100, hash{1}}, {all.left().prefix, 6, 110, hash{}}, {all.right().prefix, 7, 120, hash{}}}}
	left := p.split(all.left())
	require.Equal(t, []mark{{all.left().prefix, 6, 110, hash{}}}, left.marks, "the narrowed mark of the whole is included in the newer one")
	require.Equal(t, all.left(), left.owner)
	right := processed{all.right(), []mark{{all.right().prefix, 4, 90, hash{}}}}
	both := left.join(right, all)
	require.Equal(t, all, both.owner)
	require.Len(t, both.marks, 2, "neither includes the other")
	require.EqualValues(t, 4, both.oldestMaster())
	require.Equal(t, ^uint32(0), processed{owner: all}.oldestMaster())
}

func TestProcessed_ReducedKeepsOneOfEquals(t *testing.T) {
	t.Parallel()
	m := mark{whole, 5, 100, hash{1}}
	require.Equal(t, []mark{m}, processed{marks: []mark{m, m, {whole, 5, 99, hash{2}}}}.reduced().marks)
}

func TestProcessed_TakesUpToItsMarkOnly(t *testing.T) {
	t.Parallel()
	all := shard{0, whole}
	p := processed{all.right(), []mark{{all.right().prefix, 5, 100, hash{5}}}}
	message := func(lt uint64, h hash, enqueuedLT uint64) enqueued {
		m := &message{hash: h, fromAt: place{0, 1}, toAt: place{0, all.right().prefix}, lt: lt}
		return enqueued{&envelope{msg: m, next: 96, emitted: lt}, enqueuedLT}
	}
	ended := func(uint32, place) uint64 { return 70 }
	require.True(t, p.has(message(60, hash{9}, 60), ended))
	require.True(t, p.has(message(100, hash{5}, 60), ended), "the mark itself")
	require.False(t, p.has(message(100, hash{6}, 60), ended), "a higher hash of the same lt")
	require.False(t, p.has(message(101, hash{1}, 60), ended), "a higher lt")
	require.False(t, p.has(message(60, hash{9}, 70), ended), "it came after the masterchain block of the mark")
	elsewhere := message(60, hash{9}, 60)
	elsewhere.next = 0
	require.False(t, p.has(elsewhere, ended), "it goes elsewhere")
}
