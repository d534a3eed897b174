//go:build cgo && emulator && linux && amd64

package differential

// carried: the cells of an account or a message remember the machine they went
// through, and if that one ran out of gas later they count differently. Cells
// read anew do not.
const carried = "carried"

// explainStep explains the difference, or that of the same step on cells that
// were read anew.
func (r *rules) explainStep(s *step, ours, theirs outcome) (string, error) {
	names, err := explain(r, s, ours, theirs)
	if err == nil {
		return names, nil
	}
	fresh, freshErr := s.fresh()
	if freshErr != nil {
		return "", freshErr
	}
	again, _ := r.run(fresh)
	if again.equal(ours) {
		return "", err
	}
	if again.equal(theirs) {
		return carried, nil
	}
	names, err = explain(r, fresh, again, theirs)
	return carried + "+" + names, err
}
