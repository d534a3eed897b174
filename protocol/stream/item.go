package stream

import (
	"encoding/binary"

	"github.com/cocoon-network/cocoon"
)

// AppendItem adds one item to a frame's content: what follows `data:` in the
// stream of an engine, or an engine's whole answer.
func AppendItem(content, item []byte) []byte {
	return append(binary.AppendUvarint(content, uint64(len(item))), item...)
}

// Items are what AppendItem put into a frame's content, whose memory they share.
func Items(content []byte) (items [][]byte, err error) {
	for len(content) > 0 {
		n, size := binary.Uvarint(content)
		if size <= 0 || n > uint64(len(content)-size) {
			return nil, cocoon.Invalid.Errorf("content of a frame is cut short")
		}
		items = append(items, content[size:size+int(n)])
		content = content[size+int(n):]
	}
	return items, nil
}
