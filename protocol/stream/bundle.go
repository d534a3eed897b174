package stream

// MaxBundle is the most bytes that the messages of a bundle have, lengths and all.
const MaxBundle = MaxFrame

// lengthSize is what a message in a bundle has before it.
const lengthSize = 4

// Bundle puts messages that go one way at one time into as few as may be, in
// order: everybody on the way then wakes up once for all. One that is alone stays
// as it is.
func Bundle(messages [][]byte) (bundles [][]byte) {
	for len(messages) > 0 {
		n, size := 0, 0
		for n < len(messages) && (n == 0 || size+lengthSize+len(messages[n]) <= MaxBundle) {
			size += lengthSize + len(messages[n])
			n++
		}
		if n == 1 {
			bundles = append(bundles, messages[0])
		} else {
			w := newWriter(kindBundle, size)
			for _, m := range messages[:n] {
				w.blob(m)
			}
			bundles = append(bundles, w)
		}
		messages = messages[n:]
	}
	return bundles
}

// Unbundle is what Bundle put into one message, which may be one that was alone.
// It shares the message's memory.
func Unbundle(message []byte) (messages [][]byte, err error) {
	if KindOf(message) != kinds[kindBundle] {
		return [][]byte{message}, nil
	}
	r := readerOf(message, kindBundle)
	for r.err == nil && len(r.rest) > 0 {
		m := r.blob(MaxBundle)
		if KindOf(m) == kinds[kindBundle] {
			r.fail("holds another")
		}
		messages = append(messages, m)
	}
	if len(messages) < 2 {
		r.fail("holds %d messages", len(messages))
	}
	if r.err == nil && len(message) > MaxBundle+2 {
		r.fail("has %d bytes, the most is %d", len(message), MaxBundle+2)
	}
	if r.err != nil {
		return nil, r.err
	}
	return messages, nil
}
