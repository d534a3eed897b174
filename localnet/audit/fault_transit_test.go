package audit

import "testing"

// sendOn writes anew how the first message in transit goes on.
func sendOn(c *toy, b *toyBlock, next int, collected, left int64) bool {
	h, r := recorded(b, b.in, 0b101, 3)
	if r == nil {
		return false
	}
	in := must(loadInbound(must(r.BeginParse())))
	if next == 0 {
		next = in.out.next
	}
	on := c.envelope(in.out.cur, next, in.out.fee.Int64()+left, c.messages[h])
	again := record(0b101, 3, must(r.PeekRef(0))).MustStoreRef(on).MustStoreBigCoins(nano(in.fee.Int64() + collected)).EndCell()
	tag := must(must(b.out[h].BeginParse()).LoadUInt(3))
	b.in[h], b.out[h] = again, record(tag, 3, on).MustStoreRef(again).EndCell()
	return true
}

func TestAudit_NoticesFaultsOfTransit(t *testing.T) {
	t.Parallel()
	for _, f := range []fault{
		{"a way of its own", RuleInbound, func(c *toy, b *toyBlock) bool { return sendOn(c, b, 96, 0, 0) }, nil},
		{"fees that vanish", RuleInbound, func(c *toy, b *toyBlock) bool { return sendOn(c, b, 0, 0, -1) }, nil},
		{"fees above the price", RuleImport, func(c *toy, b *toyBlock) bool { return sendOn(c, b, 0, 1, -1) }, nil},
		{"no record of going on", RuleInbound, func(_ *toy, b *toyBlock) bool {
			h, r := recorded(b, b.in, 0b101, 3)
			delete(b.out, h)
			return r != nil
		}, nil},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			requireNoticed(t, newToy(t, 1, 7), f, 60)
		})
	}
}
