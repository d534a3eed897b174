package stream

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/cocoon-network/cocoon"
)

// Secret is what a daemon and one worker share about one request.
type Secret [32]byte

// String keeps secrets out of logs and errors.
func (Secret) String() string { return "secret" }

// GoString keeps secrets out of logs and errors.
func (Secret) GoString() string { return "secret" }

// Nonce makes the keys of an attempt its own; the worker draws it.
type Nonce [32]byte

const (
	// FrameHeaderSize is how many bytes of a frame everybody reads.
	FrameHeaderSize = 2 + 16 + 1 + 4 + 4 + 1
	// FramePad is what the encrypted part of a frame, but for its tag, is a multiple of.
	FramePad = 128
	// CountStep is what counts in frames are rounded up to.
	CountStep = 16
	// MaxContent is the most bytes of content in one frame.
	MaxContent = MaxFrame - FrameHeaderSize - frameTag - frameLength - FramePad

	frameTag     = 16
	frameLength  = 4
	framesInfo   = "cocoon frames v1"
	firstAttempt = 1
)

// FrameHeader is the part of a frame that everybody reads. What follows it is
// bound to it.
type FrameHeader struct {
	Request RequestID
	Attempt uint8  // 1 is the first
	Seq     uint32 // from 0
	Out     uint32 // tokens of the answer so far, rounded up to CountStep
	Final   bool   // the last of its attempt
}

// ParseFrameHeader reads the clear part of a frame, and checks its size.
func ParseFrameHeader(frame []byte) (h FrameHeader, err error) {
	if len(frame) > MaxFrame || len(frame) < FrameHeaderSize+FramePad+frameTag || (len(frame)-FrameHeaderSize-frameTag)%FramePad != 0 {
		return h, cocoon.Invalid.Errorf("no frame has %d bytes", len(frame))
	}
	r := readerOf(frame[:FrameHeaderSize], kindFrame)
	r.into(h.Request[:])
	h.Attempt, h.Seq, h.Out = r.u8(), r.u32(), r.u32()
	h.Final = r.flag()
	if h.Out%CountStep != 0 || h.Attempt < firstAttempt {
		r.fail("has a header that no worker writes")
	}
	return h, r.end()
}

func (h FrameHeader) bytes(size int) writer {
	w := newWriter(kindFrame, size)
	w.fixed(h.Request[:])
	w.u8(h.Attempt)
	w.u32(h.Seq)
	w.u32(h.Out)
	w.flag(h.Final)
	return w
}

// frames are the keys and the place of one attempt's frames, for either side.
type frames struct {
	request RequestID
	attempt uint8
	aead    cipher.AEAD
	seq     uint32
	out     uint32
	ended   bool
}

func newFrames(s Secret, request RequestID, attempt uint8, n Nonce) (*frames, error) {
	if attempt < firstAttempt {
		return nil, cocoon.Invalid.Errorf("attempt %d of request %s", attempt, request)
	}
	info := framesInfo + string(request[:]) + string([]byte{attempt})
	key, err := hkdf.Key(sha256.New, s[:], n[:], info, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &frames{request: request, attempt: attempt, aead: aead}, nil
}

func (f *frames) nonce() []byte { return binary.BigEndian.AppendUint32(make([]byte, 8, 12), f.seq) }

// advance is after a frame.
func (f *frames) advance(h FrameHeader) { f.seq, f.out, f.ended = f.seq+1, h.Out, h.Final }

// Seq is how many frames there were.
func (f *frames) Seq() uint32 { return f.seq }

// Ended tells whether the final frame was there.
func (f *frames) Ended() bool { return f.ended }

// Sealer makes the frames of one attempt, in order.
type Sealer struct {
	frames
	sum hash.Hash
}

// NewSealer begins the frames of an attempt. No nonce is used twice with a secret.
func NewSealer(s Secret, request RequestID, attempt uint8, n Nonce) (*Sealer, error) {
	f, err := newFrames(s, request, attempt, n)
	if err != nil {
		return nil, err
	}
	return &Sealer{*f, sha256.New()}, nil
}

// Hash is SHA-256 of all frames so far, as a receipt names them.
func (s *Sealer) Hash() [32]byte { return [32]byte(s.sum.Sum(nil)) }

// Seal is the next frame: content, and how many tokens the answer has so far.
func (s *Sealer) Seal(content []byte, out uint32, final bool) ([]byte, error) {
	if s.ended || len(content) > MaxContent {
		return nil, cocoon.Internal.Errorf("frame %d of %s: %d bytes, ended %t", s.seq, s.request, len(content), s.ended)
	}
	h := FrameHeader{s.request, s.attempt, s.seq, max(s.out, (out+CountStep-1)/CountStep*CountStep), final}
	padded := (frameLength + len(content) + FramePad - 1) / FramePad * FramePad
	frame := h.bytes(FrameHeaderSize + padded + frameTag)
	text := frame[len(frame) : len(frame)+padded] // zero, as it was made
	binary.BigEndian.PutUint32(text, uint32(len(content)))
	copy(text[frameLength:], content)
	sealed := s.aead.Seal(frame, s.nonce(), text, frame)
	s.sum.Write(sealed)
	s.advance(h)
	return sealed, nil
}

// Opener reads the frames of one attempt, in order.
type Opener struct {
	frames
	text []byte // of the frame before
}

// NewOpener begins to read the frames of an attempt.
func NewOpener(s Secret, request RequestID, attempt uint8, n Nonce) (*Opener, error) {
	f, err := newFrames(s, request, attempt, n)
	if err != nil {
		return nil, err
	}
	return &Opener{frames: *f}, nil
}

// Open is the content of the next frame, until the one after it is opened. One that is missing, repeated, swapped,
// changed, of another attempt or after the last is refused, and the answer with
// it: what comes later cannot be whole.
func (o *Opener) Open(frame []byte) (content []byte, h FrameHeader, err error) {
	if h, err = ParseFrameHeader(frame); err != nil {
		return nil, h, err
	}
	if h.Request != o.request || h.Attempt != o.attempt || h.Seq != o.seq || o.ended || h.Out < o.out {
		return nil, h, cocoon.Invalid.Errorf("frame %d of attempt %d where frame %d of attempt %d was due", h.Seq, h.Attempt, o.seq, o.attempt)
	}
	text, err := o.aead.Open(o.text[:0], o.nonce(), frame[FrameHeaderSize:], frame[:FrameHeaderSize])
	if o.text = text; err != nil {
		return nil, h, cocoon.Invalid.Errorf("frame %d does not open: it was changed, or is another worker's", h.Seq)
	}
	n := binary.BigEndian.Uint32(text)
	if uint64(n)+frameLength > uint64(len(text)) || len(text)-int(n)-frameLength >= FramePad {
		return nil, h, cocoon.Invalid.Errorf("frame %d of %d bytes cannot hold %d", h.Seq, len(text), n)
	}
	o.advance(h)
	return text[frameLength : frameLength+n], h, nil
}
