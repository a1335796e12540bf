package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// Purpose is what a code is sent for. A code is good for nothing else.
type Purpose string

// The purposes. The set is closed.
const (
	PurposeSignIn    Purpose = "sign-in"
	PurposeDeviceKey Purpose = "device-key" // to register a device key
	PurposeSigning   Purpose = "signing"    // to sign an agreement
)

// What a code lives through, whichever end comes first.
const (
	CodeFor   = 5 * time.Minute
	CodeTries = 5
)

// codeDoc is the newest code of one phone and purpose.
type codeDoc struct {
	ID      string    `json:"id"`      // names this code; no secret
	Hash    string    `json:"hash"`    // keyed; see Service.codeHash
	Expires time.Time `json:"expires"` // from then on it is not good
	Tries   int       `json:"tries"`
	MadeBy  string    `json:"made_by"` // the command that it was sent for
	Sent    bool      `json:"sent"`    // the sender has accepted it
	UsedBy  string    `json:"used_by,omitempty"`
}

func codeSpec() store.Spec[codeDoc] {
	return store.Spec[codeDoc]{
		Name:      "codes",
		Unaudited: "a code is good for five minutes; what it was used for is in the trail of that",
		Indexes: []store.Index[codeDoc]{
			{Name: "expires", Version: 1, Keys: func(_ string, d *codeDoc) []store.Key {
				return []store.Key{store.K(d.Expires)}
			}},
		},
	}
}

// over reports whether no guess can be right any more.
func (d *codeDoc) over(at time.Time) bool {
	return d.UsedBy != "" || d.Tries >= CodeTries || !at.Before(d.Expires)
}

// codeID is the document of a phone's codes for a purpose.
func codeID(phoneHash string, purpose Purpose) string { return phoneHash + "/" + string(purpose) }

// codeHash is all that is kept of a code's digits.
func (s *Service) codeHash(phoneHash string, purpose Purpose, digits string) string {
	return s.cfg.Vault.Hash("code", codeID(phoneHash, purpose)+"/"+digits)
}

// CodeSent is the answer to whoever asked for a code.
type CodeSent struct {
	ID      string    // names the code in what a device key signs; no secret
	Expires time.Time // the code's end
}

// SendCode sends a code for signing in to a phone, known or not: nothing it does
// depends on that. The code before it is dead from then on. address is where the
// request came from, the IP address alone; only its keyed hash leaves this method. Repeating a command
// whose code was sent sends no other.
//
// Errors: an [fault.Invalid] fault on "phone"; [fault.TooMany] when the phone or
// the address has had its codes for now; [fault.Unavailable] when the code could
// not be sent, or the limit not be asked; [store.ErrUnknown].
func (s *Service) SendCode(ctx context.Context, cmd store.Command, phone, address string) (CodeSent, error) {
	phone, hash, err := s.phone(phone)
	if err != nil {
		return CodeSent{}, err
	}
	if cmd.Actor == "" {
		cmd.Actor = "system:identity"
	}
	return s.sendCode(ctx, cmd, phone, hash, PurposeSignIn, address)
}

// SendOwnCode sends a code to the principal's own phone, for anything but signing
// in. Errors as [Service.SendCode], and [vault.ErrDestroyed].
func (s *Service) SendOwnCode(ctx context.Context, cmd store.Command, p Principal, purpose Purpose, address string) (CodeSent, error) {
	if purpose != PurposeDeviceKey && purpose != PurposeSigning {
		return CodeSent{}, fault.Field("purpose", "there is no such purpose", "give device-key or signing")
	}
	person, err := s.Get(ctx, p.Person)
	if err != nil {
		return CodeSent{}, err
	}
	phone, err := s.cfg.Vault.Open(ctx, person.ID, phoneField, person.Phone)
	if err != nil {
		return CodeSent{}, err
	}
	return s.sendCode(ctx, p.command(cmd), phone, person.PhoneHash, purpose, address)
}

func (s *Service) sendCode(ctx context.Context, cmd store.Command, phone, hash string, purpose Purpose, address string) (CodeSent, error) {
	if err := s.limit(ctx, hash, purpose, address); err != nil {
		return CodeSent{}, err
	}
	id, err := s.newID("c")
	if err != nil {
		return CodeSent{}, err
	}
	digits, err := s.newDigits()
	if err != nil {
		return CodeSent{}, err
	}
	doc, repeated, err := s.recordCode(ctx, cmd, codeID(hash, purpose), codeDoc{
		ID: id, Hash: s.codeHash(hash, purpose, digits), Expires: cmd.At.Add(CodeFor).UTC(), MadeBy: cmd.ID,
	})
	if err != nil {
		return CodeSent{}, err
	}
	sent := CodeSent{ID: doc.ID, Expires: doc.Expires}
	if repeated {
		return sent, nil
	}
	err = s.cfg.Sender.Send(ctx, Message{ID: id, Phone: phone, Purpose: purpose, Code: digits, ValidFor: CodeFor})
	if err != nil {
		return CodeSent{}, fault.New(fault.Unavailable, "the code could not be sent").WithFix("try again in a minute").Wrap(err)
	}
	_, err = s.codes.Update(ctx, codeID(hash, purpose), cmd.Sub("sent/"+id), func(d *codeDoc) ([]store.Entry, error) {
		d.Sent = d.Sent || d.ID == id
		return nil, nil
	})
	if err != nil {
		// The code is out; at worst a repeat of the command sends another.
		s.cfg.Logger.WarnContext(ctx, "a code was sent and that was not recorded", "code", id, "error", err)
	}
	return sent, nil
}

// recordCode puts a code in place of the one before, before it is sent. For a
// repeat it gives the code that is there, unless that is the command's own and
// was not sent: then nobody has its digits any more, and the new one takes its
// place.
func (s *Service) recordCode(ctx context.Context, cmd store.Command, id string, code codeDoc) (doc codeDoc, repeated bool, err error) {
	put := func(part string) (store.Item[codeDoc], error) {
		return s.codes.Put(ctx, id, cmd.Sub(part), func(d *codeDoc) ([]store.Entry, error) {
			*d = code
			return nil, nil
		})
	}
	it, err := put("code")
	if err != nil || !it.Repeated {
		return it.Doc, false, err
	}
	if it.Doc.MadeBy != cmd.ID || it.Doc.Sent {
		return it.Doc, true, nil
	}
	it, err = put("code/" + code.ID)
	return it.Doc, false, err
}

// limit takes one event of the address and of the phone. A phone's purposes are
// counted apart, so that nobody who asks for sign-in codes to somebody's phone
// keeps them from signing.
func (s *Service) limit(ctx context.Context, phoneHash string, purpose Purpose, address string) error {
	if address == "" {
		return fault.New(fault.Internal, "a code is asked for from nowhere")
	}
	for _, l := range []struct {
		key    string
		events int
	}{
		{"code/address/" + s.cfg.Vault.Hash("address", network(address)), s.cfg.CodesPerAddress},
		{"code/phone/" + codeID(phoneHash, purpose), s.cfg.CodesPerPhone},
	} {
		ok, after, err := s.cfg.Limiter.Allow(ctx, l.key, l.events, time.Hour)
		if err != nil {
			return fault.New(fault.Unavailable, "no code can be sent now").WithFix("try again in a minute").Wrap(err)
		}
		if !ok {
			minutes := max(1, int((after+time.Minute-1)/time.Minute))
			return fault.New(fault.TooMany, "too many codes were asked for").WithFix(fmt.Sprintf("try again in %d min", minutes))
		}
	}
	return nil
}

// network is what of an address is counted: of IPv6 the first 64 bits, for whoever
// has one address there has all that follow them.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if a = a.Unmap().WithZone(""); a.Is4() {
		return a.String()
	}
	return netip.PrefixFrom(a, 64).Masked().String()
}

// newDigits makes six digits, each number of the million alike.
func (s *Service) newDigits() (string, error) {
	n, err := rand.Int(s.cfg.Rand, big.NewInt(1_000_000))
	if err != nil {
		return "", fault.New(fault.Internal, "no randomness").Wrap(err)
	}
	return fmt.Sprintf("%06d", n), nil
}

// errCode is the one answer to a code that is wrong, used, over, or never was.
var errCode = errors.New("no such code")

const (
	codeMessage = "the code is wrong, used or no longer valid"
	codeFix     = "give the newest code, or ask for another"
)
