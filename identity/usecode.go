package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"

	"hezuo/fault"
	"hezuo/store"
)

// CodeGiven is a code as the principal gives it back.
type CodeGiven struct {
	ID     string // as in CodeSent
	Digits string
}

// UseOwnCode uses up a code that was sent by [Service.SendOwnCode]. Repeating the
// command with the same code gives the same answer. Errors: an [fault.Invalid]
// fault on "code", the same for a wrong, used, old or absent one.
func (s *Service) UseOwnCode(ctx context.Context, cmd store.Command, p Principal, purpose Purpose, given CodeGiven) error {
	person, err := s.Get(ctx, p.Person)
	if err != nil {
		return err
	}
	if given.ID == "" { // only a sign-in may leave it out
		return fault.Field("code", codeMessage, codeFix)
	}
	err = s.useCode(ctx, p.command(cmd), person.PhoneHash, purpose, given)
	if errors.Is(err, errCode) {
		return fault.Field("code", codeMessage, codeFix)
	}
	return err
}

// useCode uses a code up, or counts a wrong guess. An empty given.ID means the
// newest code, whichever it is. Errors: errCode.
func (s *Service) useCode(ctx context.Context, cmd store.Command, phoneHash string, purpose Purpose, given CodeGiven) error {
	digits := Narrow(given.Digits)
	if len(digits) != 6 || !isDigits(digits) || len(given.ID) > 40 {
		return errCode // cannot be right, so it is no guess
	}
	hash := s.codeHash(phoneHash, purpose, digits)
	right := func(d *codeDoc) bool {
		return subtle.ConstantTimeCompare([]byte(d.Hash), []byte(hash)) == 1 && (given.ID == "" || given.ID == d.ID)
	}
	// A repeat is not counted, so it must be the same guess: were the caller's
	// command all that counts, one command could guess for ever.
	guess := cmd.Sub("guess/" + hash + "/" + given.ID)
	it, err := s.codes.Update(ctx, codeID(phoneHash, purpose), guess, func(d *codeDoc) ([]store.Entry, error) {
		if d.over(cmd.At) {
			return nil, errCode
		}
		d.Tries++
		if right(d) {
			d.UsedBy = cmd.ID
		}
		return nil, nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return errCode
	}
	if err != nil {
		return err
	}
	// Judged by what was written, for a repeat as for the first time.
	if it.Doc.UsedBy != cmd.ID || !right(&it.Doc) || !cmd.At.Before(it.Doc.Expires) {
		return errCode
	}
	return nil
}

func isDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }
