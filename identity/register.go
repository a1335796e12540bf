package identity

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"time"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/vault"
)

// KeyRequest asks for a device key to be registered.
type KeyRequest struct {
	Key        []byte    // the public key as a JWK, see [ParseDeviceKey]
	Label      string    // what the person calls the device; may be empty
	Code       CodeGiven // of [PurposeDeviceKey], fresh
	Possession string    // the key's signature over [Challenge], see [VerifyES256]
	Vouched    *Vouched  // of an older key, if one is at hand
}

// Vouched is a second proof: an older device of the account signs the challenge
// too.
type Vouched struct {
	By        string // thumbprint of the older key
	Signature string
}

// RegisterKey gives the principal a device key. Everything but the code is checked
// before the code is used up. From when the key is usable is in the answer: see
// the package's text. Repeating the command gives the same answer.
//
// Errors: [fault.Invalid] faults on "key", "label", "possession", "vouched.by",
// "vouched.signature", "code"; [fault.Conflict] when somebody has or had the key;
// [fault.TooMany]; [store.ErrUnknown] (repeat).
func (s *Service) RegisterKey(ctx context.Context, cmd store.Command, p Principal, req KeyRequest) (Binding, error) {
	cmd = p.command(cmd)
	d, err := s.newDevice(ctx, cmd.At, p.Person, req)
	if err != nil {
		return Binding{}, err
	}
	if done, answer, err := s.rehearse(ctx, p.Person, d); done || err != nil {
		return answer, err
	}
	if err := s.UseOwnCode(ctx, cmd, p, PurposeDeviceKey, req.Code); err != nil {
		return Binding{}, err
	}
	it, err := s.people.Update(ctx, p.Person, cmd.Sub("key/"+d.Thumbprint), func(person *Person) ([]store.Entry, error) {
		if err := person.admit(d); err != nil {
			return nil, err
		}
		now := person.device(d.Thumbprint)
		facts := map[string]any{"thumbprint": d.Thumbprint, "how": now.Proof.How, "active_from": now.ActiveFrom}
		return append(person.told(), store.Audit("device_key.add", "", facts)), nil
	})
	if errors.Is(err, store.ErrDuplicate) {
		err = errKeyTaken
	}
	if err != nil {
		return Binding{}, err
	}
	return binding(&it.Doc, d.Thumbprint)
}

// newDevice checks what can be checked without the person.
func (s *Service) newDevice(ctx context.Context, at time.Time, person string, req KeyRequest) (Device, error) {
	key, thumbprint, err := ParseDeviceKey(req.Key)
	if err != nil {
		return Device{}, err
	}
	public, err := key.ECDSA()
	if err != nil {
		return Device{}, err
	}
	if VerifyES256(public, Challenge(person, thumbprint, req.Code.ID), req.Possession) != nil {
		return Device{}, fault.Field("possession", errSignature.Message, "sign the challenge with the new key, ES256, r and s in base64url")
	}
	var label vault.Sealed
	if req.Label != "" {
		if label, err = s.sealText(ctx, person, deviceField+thumbprint, "label", req.Label); err != nil {
			return Device{}, err
		}
	}
	d := Device{
		Thumbprint: thumbprint, Key: key, Label: label, Registered: at.UTC(),
		Proof: KeyProof{Code: req.Code.ID, Possession: req.Possession},
	}
	if req.Vouched != nil {
		if req.Vouched.By == "" {
			return Device{}, fault.Field("vouched.by", "it is empty", "name the older key by its thumbprint")
		}
		d.Proof.By, d.Proof.Signature = req.Vouched.By, req.Vouched.Signature
	}
	return d, nil
}

// rehearse refuses what would be refused after the code is used up. For a repeat,
// whose key is there with the same code, it gives the answer.
func (s *Service) rehearse(ctx context.Context, person string, d Device) (done bool, answer Binding, err error) {
	p, err := s.Get(ctx, person)
	if err != nil {
		return false, Binding{}, err
	}
	if old := p.device(d.Thumbprint); old != nil && old.Proof.Code == d.Proof.Code {
		answer, err = binding(&p, d.Thumbprint)
		return true, answer, err
	}
	if err := p.admit(d); err != nil {
		return false, Binding{}, err
	}
	_, err = s.people.One(ctx, store.Range{Index: "device", Prefix: store.K(d.Thumbprint)})
	if errors.Is(err, store.ErrNotFound) {
		return false, Binding{}, nil
	}
	if err == nil {
		err = errKeyTaken
	}
	return false, Binding{}, err
}

// RevokeKey ends a key of the principal's: it signs nothing from then on, what it
// signed stays signed. To revoke a revoked one is a no-op. Errors: an
// [fault.Invalid] fault on "reason", [fault.NotFound].
func (s *Service) RevokeKey(ctx context.Context, cmd store.Command, p Principal, thumbprint string, why RevokeReason) error {
	if why != RevokedReplaced && why != RevokedLost && why != RevokedCompromised {
		return fault.Field("reason", "there is no such reason", "give replaced, lost or compromised")
	}
	cmd = p.command(cmd)
	_, err := s.people.Update(ctx, p.Person, cmd.Sub("revoke/"+thumbprint), func(person *Person) ([]store.Entry, error) {
		d := person.device(thumbprint)
		if d == nil {
			return nil, errNoKey
		}
		if !d.Revoked.IsZero() {
			return nil, nil
		}
		d.Revoked, d.RevokedWhy = cmd.At.UTC(), why
		return []store.Entry{store.Audit("device_key.revoke", string(why), map[string]string{"thumbprint": thumbprint})}, nil
	})
	return err
}

var errNoKey = fault.New(fault.NotFound, "the person has no such device key")

// KeyAt gives a person's key for checking a signature of theirs made at an
// instant, and the statement on it. Errors: [fault.NotFound] for a key that is
// not theirs, [fault.Forbidden] when it could not sign then.
func (s *Service) KeyAt(ctx context.Context, person, thumbprint string, at time.Time) (*ecdsa.PublicKey, Binding, error) {
	p, err := s.Get(ctx, person)
	if err != nil {
		return nil, Binding{}, err
	}
	b, err := binding(&p, thumbprint)
	if err != nil {
		return nil, Binding{}, err
	}
	if err := p.device(thumbprint).usable(at); err != nil {
		return nil, Binding{}, err
	}
	public, err := b.Key.ECDSA()
	return public, b, err
}
