package stream

import (
	"bytes"
	"encoding/binary"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

const (
	// MaxItem is the most bytes of one item.
	MaxItem = envelope.MaxPlaintext

	maxShared = 255     // bytes that an item may have in common with the first
	maxSpread = 4 << 20 // bytes that the items of a frame have in common with it, in all
)

// ItemWriter writes items into the contents of an attempt's frames: what follows
// `data:` in the stream of an engine, or an engine's whole answer. Engines begin all
// events of an answer alike: what an item has in common with the first is left out.
type ItemWriter struct {
	first  []byte // as much of the first item as others may share; nil before it
	shared int    // by the item before: it is mostly the same again
}

// Append adds one item to content.
func (w *ItemWriter) Append(content, item []byte) []byte {
	w.shared = w.common(item)
	if w.first == nil {
		w.first = head(item)
	}
	content = binary.AppendUvarint(append(content, byte(w.shared)), uint64(len(item)-w.shared))
	return append(content, item[w.shared:]...)
}

// head is what later items may share of the first one; never nil.
func head(item []byte) []byte {
	return append([]byte{}, item[:min(len(item), maxShared)]...)
}

// common is how many bytes item begins with like the first one.
func (w *ItemWriter) common(item []byte) (n int) {
	if bytes.HasPrefix(item, w.first[:w.shared]) {
		n = w.shared
	}
	for n < len(w.first) && n < len(item) && w.first[n] == item[n] {
		n++
	}
	return n
}

// Items reads what an ItemWriter wrote out of the contents of an attempt's frames,
// in order. An item that does not fit one frame goes on in those that follow.
type Items struct {
	rest  []byte
	first []byte // as the writer's
}

// written is an item as it was written.
type written struct {
	shared int
	own    []byte // nil where it goes on in the next frame
}

// Next are the items that end in content.
func (i *Items) Next(content []byte) (items [][]byte, err error) {
	if len(i.rest) > 0 {
		content = append(i.rest, content...)
	}
	n, size, err := i.measure(content)
	if err != nil {
		return nil, err
	}
	items, memory := make([][]byte, n), make([]byte, 0, size)
	for n := range items {
		var w written
		w, content, _ = i.cut(content)
		from := len(memory)
		memory = append(append(memory, i.first[:w.shared]...), w.own...)
		items[n] = memory[from:len(memory):len(memory)]
	}
	i.rest = bytes.Clone(content)
	return items, nil
}

// measure says how many whole items are in content, and how many bytes they come to.
func (i *Items) measure(content []byte) (n, size int, err error) {
	for spread := 0; len(content) > 0; n++ {
		var w written
		if w, content, err = i.cut(content); err != nil || w.own == nil {
			return n, size, err
		}
		if spread += w.shared; spread > maxSpread {
			return 0, 0, cocoon.Invalid.Errorf("a frame has items that share more than %d bytes", maxSpread)
		}
		if i.first == nil {
			i.first = head(w.own)
		}
		size += w.shared + len(w.own)
	}
	return n, size, nil
}

// cut takes an item off content, and leaves one that goes on in the next frame.
func (i *Items) cut(content []byte) (w written, rest []byte, err error) {
	w.shared = int(content[0])
	n, length := binary.Uvarint(content[1:])
	switch {
	case length < 0 || n > MaxItem || length == 0 && len(content) > binary.MaxVarintLen64:
		return w, nil, cocoon.Invalid.Errorf("a frame has an item of more than %d bytes", MaxItem)
	case w.shared > len(i.first):
		return w, nil, cocoon.Invalid.Errorf("a frame has an item that shares %d bytes with a first one of %d", w.shared, len(i.first))
	case length == 0 || n > uint64(len(content)-1-length):
		return w, content, nil
	}
	rest = content[1+length:]
	w.own, rest = rest[:n], rest[n:]
	return w, rest, nil
}

// Whole tells whether no item is left that goes on.
func (i *Items) Whole() bool { return len(i.rest) == 0 }
