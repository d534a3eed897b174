package differential

import (
	"encoding/binary"
	"math/big"
	"math/rand/v2"
)

// dice is randomness out of a seed.
type dice struct{ *rand.Rand }

func newDice(seed, stream uint64) dice { return dice{rand.New(rand.NewPCG(seed, stream))} }

// one in n times it is true.
func (d dice) one(n int) bool { return d.IntN(n) == 0 }

func pick[T any](d dice, list ...T) T { return list[d.IntN(len(list))] }

// nano is an amount of any magnitude below 2^bits nanoTON.
func (d dice) nano(bits int) *big.Int {
	return new(big.Int).SetUint64(d.Uint64() >> (64 - 1 - d.IntN(bits)) >> 1)
}

func (d dice) bytes(n int) []byte {
	var b []byte
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, d.Uint64())
	}
	return b[:n]
}

// weighted chooses one of several ways to make something.
type weighted[T any] struct {
	weight int
	make   func() T
}

func choose[T any](d dice, ways ...weighted[T]) T {
	total := 0
	for _, w := range ways {
		total += w.weight
	}
	at := d.IntN(total)
	for _, w := range ways {
		if at -= w.weight; at < 0 {
			return w.make()
		}
	}
	panic("no way was chosen")
}
