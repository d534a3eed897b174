package answer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPace_OnlyALongAnswerWhoseTokensComeOneByOneIsSlow(t *testing.T) {
	t.Parallel()
	now := time.Now()
	say := func(p *pace, times, together int, after time.Duration) {
		for range times {
			now = now.Add(after)
			for i := range together {
				p.heard(i+1 < together, now)
			}
		}
	}
	p := pace{window: time.Hour}
	say(&p, longAnswer, 2, time.Second)
	require.False(t, p.slow, "they come together")
	say(&p, longAnswer, 1, apart-1)
	require.False(t, p.slow, "they come fast")
	say(&p, 1, 1, apart)
	say(&p, 1, 1, 0)
	say(&p, 1, 1, apart)
	require.False(t, p.slow, "one may be late")
	say(&p, 1, 1, apart)
	require.True(t, p.slow)
	p = pace{window: time.Hour}
	say(&p, longAnswer-1, 1, apart)
	require.False(t, p.slow, "a short answer ends soon")
	p = pace{}
	say(&p, 10*longAnswer, 1, apart)
	require.False(t, p.slow, "without a window nothing waits")
}
