package answer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/stream"
)

// A part may come just as the time for it is over, and before its attempt is forgotten:
// whoever sent it is answered.
func TestBody_ThatNobodyWaitsForAnswersItsParts(t *testing.T) {
	t.Parallel()
	o := stream.Order{Size: 2 * stream.MaxPart, Body: make([]byte, stream.MaxPart)}
	p := stream.Part{Index: 1, Data: make([]byte, stream.MaxPart)}

	late := newBody(o)
	require.Nil(t, late.end())
	_, err := late.add(p, nil)
	require.ErrorIs(t, err, errNoPart)

	whole, answered := newBody(o), false
	last, err := whole.add(p, func([]byte) { answered = true })
	require.NoError(t, err)
	require.True(t, last)
	whole.end()(nil)
	require.True(t, answered)
}
