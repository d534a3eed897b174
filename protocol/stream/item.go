package stream

import (
	"bytes"
	"encoding/binary"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

// AppendItem adds one item to a frame's content: what follows `data:` in the
// stream of an engine, or an engine's whole answer.
func AppendItem(content, item []byte) []byte {
	return append(binary.AppendUvarint(content, uint64(len(item))), item...)
}

// MaxItem is the most bytes of one item.
const MaxItem = envelope.MaxPlaintext

// Items reads what AppendItem wrote out of the contents of an attempt's frames,
// in order. An item that does not fit one frame goes on in those that follow.
type Items struct{ rest []byte }

// Next are the items that end in content, whose memory they may share.
func (i *Items) Next(content []byte) (items [][]byte, err error) {
	if len(i.rest) > 0 {
		content = append(i.rest, content...)
	}
	for {
		n, size := binary.Uvarint(content)
		if size < 0 || n > MaxItem || size == 0 && len(content) >= binary.MaxVarintLen64 {
			return nil, cocoon.Invalid.Errorf("a frame has an item of more than %d bytes", MaxItem)
		}
		if size == 0 || n > uint64(len(content)-size) {
			i.rest = bytes.Clone(content)
			return items, nil
		}
		items = append(items, content[size:size+int(n)])
		content = content[size+int(n):]
	}
}

// Whole tells whether no item is left that goes on.
func (i *Items) Whole() bool { return len(i.rest) == 0 }
