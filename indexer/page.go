package indexer

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/cocoon-network/cocoon"
)

// PageInput asks for a page of a list. It is exported since huma fills in exported fields only.
type PageInput struct {
	Cursor string `query:"cursor" maxLength:"64" doc:"next_cursor of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// page is a part of a list. Lists are in the order in which things began, so
// that what is new comes at the end and no page misses anything.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_cursor" doc:"asks for the page that follows; empty on the last one"`
}

// topic is a list with its filters: a cursor of one says nothing about another.
type topic string

func topicOf(parts ...string) topic { return topic(strings.Join(parts, "\x00")) }

const cursorVersion = 1

func (t topic) tag() [4]byte {
	sum := sha256.Sum256([]byte(t))
	return [4]byte(sum[:])
}

// cursor is where the page after number begins.
func (t topic) cursor(number uint64) string {
	tag := t.tag()
	raw := append([]byte{cursorVersion}, tag[:]...)
	return base64.RawURLEncoding.EncodeToString(binary.AppendUvarint(raw, number))
}

// after reads a cursor, "" being the beginning.
func (t topic) after(cursor string) (uint64, error) {
	if cursor == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < 6 || raw[0] != cursorVersion {
		return 0, cocoon.Invalid.Errorf("cursor %q was not made by this API", cursor)
	}
	if [4]byte(raw[1:5]) != t.tag() {
		return 0, cocoon.WithHint(cocoon.Invalid.Errorf("cursor %q belongs to another list or other filters", cursor), "begin again without a cursor")
	}
	number, n := binary.Uvarint(raw[5:])
	if n <= 0 || number > 1<<62 || t.cursor(number) != cursor {
		return 0, cocoon.Invalid.Errorf("cursor %q was not made by this API", cursor)
	}
	return number, nil
}

// turn makes a page of what list finds.
func turn[T any](t topic, in PageInput, list func(span) ([]numbered[T], error)) (p page[T], err error) {
	after, err := t.after(in.Cursor)
	if err != nil {
		return p, err
	}
	found, err := list(span{after, in.Limit + 1})
	if err != nil {
		return p, err
	}
	if len(found) > in.Limit {
		found = found[:in.Limit]
		p.Next = t.cursor(found[in.Limit-1].number)
	}
	p.Items, err = items(found, nil)
	return p, err
}
