package stream

// kind is the second byte of every message.
type kind uint8

const (
	kindRoute kind = iota + 1
	kindFrame
	kindHello
	kindState
	kindLease
	kindLeases
	kindStart
	kindPart
	kindTook
	kindFail
	kindWant
	kindMore
	kindFinal
	kindSettle
	kindCancel
	kindResume
	kindOrder
	kindSlice
	kindAck
	kindKeys
	kindKeysOf
	kindBundle
	kindClose
	kindPromise
	kindModelsOf
	kindModels
)

// kinds name messages in errors.
var kinds = map[kind]string{kindRoute: "route", kindFrame: "frame", kindHello: "hello", kindState: "state", kindLease: "lease", kindLeases: "leases",
	kindStart: "start", kindPart: "part", kindTook: "took", kindFail: "fail", kindWant: "want", kindMore: "more", kindFinal: "final", kindSettle: "settle",
	kindCancel: "cancel", kindResume: "resume", kindOrder: "order", kindSlice: "slice", kindAck: "ack", kindKeys: "keys", kindKeysOf: "keys_of",
	kindBundle: "bundle", kindClose: "close", kindPromise: "promise", kindModelsOf: "models_of", kindModels: "models"}

// KindOf is what a message says it is, "" where it is none; it checks no more.
func KindOf(message []byte) string {
	if len(message) < 2 || message[0] != Version {
		return ""
	}
	return kinds[kind(message[1])]
}

// Message is one of this package's messages.
type Message interface{ Bytes() []byte }
