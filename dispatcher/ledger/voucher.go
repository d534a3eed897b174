package ledger

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// hold keeps v until somebody needs it: most vouchers are replaced before. A
// lower one than is held is late, which is no fault.
func (l *Ledger) hold(c *channel, v voucher.Signed) error {
	if err := l.concerns(c, v); err != nil {
		return err
	}
	if v.Cumulative.Cmp(c.covered()) > 0 && (c.waiting == nil || v.Cumulative.Cmp(c.waiting.Cumulative) > 0) {
		c.waiting = &v
	}
	return nil
}

func (l *Ledger) concerns(c *channel, v voucher.Signed) error {
	if v.GlobalID != l.cfg.GlobalID || v.Channel != c.Facts.Account {
		return cocoon.Invalid.Errorf("voucher of channel %s, network %d, for channel %s, network %d", v.Channel, v.GlobalID, c.Facts.Account, l.cfg.GlobalID)
	}
	return nil
}

// verify checks the voucher that waits, if there is one. From then on it is
// cover, in the log before all that rests on it.
func (l *Ledger) verify(c *channel) error {
	v := c.waiting
	if v == nil {
		return nil
	}
	c.waiting = nil
	if err := v.Verify(c.Facts.Key); err != nil {
		return err
	}
	_, err := l.do(&covered{c.Facts.Account, promise{v.Cumulative, c.Facts.Key, v.Bytes()}, l.now()})
	return err
}

// pay keeps a voucher over agreed usage, verified at once: it is what is settled.
func (l *Ledger) pay(c *channel, v voucher.Signed) error {
	if err := l.concerns(c, v); err != nil {
		return err
	}
	if v.Cumulative.Cmp(c.Paid.Amount) <= 0 && c.Paid.Key == c.Facts.Key || c.Ahead.Raw != nil && v.Cumulative.Cmp(c.Ahead.Amount) <= 0 && v.Cumulative.Cmp(c.Agreed) > 0 {
		return nil
	}
	var err error
	for _, key := range c.Facts.keys(l.now()) {
		if err = v.Verify(key); err == nil {
			_, err = l.do(&paid{c.Facts.Account, promise{v.Cumulative, key, v.Bytes()}, l.now()})
			return err
		}
	}
	return err
}
