package identity

import (
	"encoding/json"
	"fmt"
	"time"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/vault"
)

// DeviceDelay is how long a new key waits on an account that has or had one,
// where none of those vouches for it.
const DeviceDelay = 24 * time.Hour

// MaxDevices is how many keys an account may have had in all: a key is kept for
// ever, for what it signed.
const MaxDevices = 200

// Device is one key of a person, made on a device and never out of it.
type Device struct {
	Thumbprint string       `json:"thumbprint"` // RFC 7638
	Key        PublicJWK    `json:"key"`
	Label      vault.Sealed `json:"label,omitempty"`
	Registered time.Time    `json:"registered"`
	ActiveFrom time.Time    `json:"active_from"`
	Proof      KeyProof     `json:"proof"`
	Revoked    time.Time    `json:"revoked,omitzero"`
	RevokedWhy RevokeReason `json:"revoked_why,omitempty"`
}

// KeyProof says how a key was proven to be the person's.
type KeyProof struct {
	How ProofKind `json:"how"`
	// Code names the code that was sent to the person's phone and given back.
	Code string `json:"code"`
	// Possession is the key's own signature over [Challenge].
	Possession string `json:"possession"`
	// By and Signature are of the older key that vouched, over the same challenge.
	By        string `json:"by,omitempty"`
	Signature string `json:"signature,omitempty"`
}

// ProofKind is why a key is usable from when it is.
type ProofKind string

// The kinds. The set is closed.
const (
	ProofFirst   ProofKind = "first"   // the account never had a key: at once
	ProofVouched ProofKind = "vouched" // a usable key of the account signed too: at once
	ProofWaited  ProofKind = "waited"  // after DeviceDelay
)

// RevokeReason is why a key is revoked.
type RevokeReason string

// The reasons. The set is closed.
const (
	RevokedReplaced    RevokeReason = "replaced"    // the device is no longer used
	RevokedLost        RevokeReason = "lost"        // the device is not at hand
	RevokedCompromised RevokeReason = "compromised" // somebody else may have used it
)

// Challenge is what a new key signs, and an older one that vouches for it: UTF-8,
// four lines divided by line feeds, none at the end.
//
//	hezuo device key
//	<person id>
//	<thumbprint of the new key>
//	<id of the code, as in CodeSent>
func Challenge(person, thumbprint, code string) []byte {
	return []byte("hezuo device key\n" + person + "\n" + thumbprint + "\n" + code)
}

// usable says why a key cannot have signed at an instant, nil if it can.
func (d *Device) usable(at time.Time) error {
	switch {
	case at.Before(d.ActiveFrom):
		return fault.New(fault.Forbidden, "this device key is not usable yet").
			WithFix("wait until " + d.ActiveFrom.Format(time.RFC3339) + ", or register another key with a signature of an older device")
	case !d.Revoked.IsZero() && !at.Before(d.Revoked):
		return fault.New(fault.Forbidden, "this device key was revoked").WithFix("register a new key")
	}
	return nil
}

// DeviceView is a key as its person is shown it.
type DeviceView struct {
	Thumbprint string
	Label      string
	Registered time.Time
	ActiveFrom time.Time
	Revoked    time.Time // zero: it is not
	RevokedWhy RevokeReason
}

func (d *Device) view(label string) DeviceView {
	return DeviceView{d.Thumbprint, label, d.Registered, d.ActiveFrom, d.Revoked, d.RevokedWhy}
}

// device finds a key of the person, nil if they have none of this thumbprint.
func (p *Person) device(thumbprint string) *Device {
	for i := range p.Devices {
		if p.Devices[i].Thumbprint == thumbprint {
			return &p.Devices[i]
		}
	}
	return nil
}

// admit adds a key, whose possession is proven, as of d.Registered, and decides
// from when it is usable. Where d.Proof names an older key, that must have signed.
func (p *Person) admit(d Device) error {
	if p.device(d.Thumbprint) != nil {
		return errKeyTaken
	}
	if len(p.Devices) >= MaxDevices {
		return fault.New(fault.TooMany, "this account has had %d device keys", MaxDevices).WithFix("use one of those that are registered")
	}
	switch {
	case d.Proof.By != "":
		if err := p.vouched(d); err != nil {
			return err
		}
		d.Proof.How, d.ActiveFrom = ProofVouched, d.Registered
	case len(p.Devices) == 0:
		d.Proof.How, d.ActiveFrom = ProofFirst, d.Registered
	default:
		d.Proof.How, d.ActiveFrom = ProofWaited, d.Registered.Add(DeviceDelay)
	}
	p.Devices = append(p.Devices, d)
	return nil
}

// vouched checks the signature of an older key.
func (p *Person) vouched(d Device) error {
	by := p.device(d.Proof.By)
	if by == nil || by.usable(d.Registered) != nil {
		return fault.Field("vouched.by", "this account has no usable key of this thumbprint", "sign with a device whose key is usable, or leave it out and wait a day")
	}
	public, err := by.Key.ECDSA()
	if err != nil {
		return err
	}
	if VerifyES256(public, Challenge(p.ID, d.Thumbprint, d.Proof.Code), d.Proof.Signature) != nil {
		return fault.Field("vouched.signature", errSignature.Message, "sign the challenge with the older device's key")
	}
	return nil
}

// errKeyTaken answers whoever registers a key that somebody has or had.
var errKeyTaken = fault.New(fault.Conflict, "this device key is registered already").WithFix("make a new pair")

// told is the entry that tells the person's other devices of a new key. An
// account's first key has nobody to tell.
func (p *Person) told() []store.Entry {
	if len(p.Devices) < 2 {
		return nil
	}
	d := p.Devices[len(p.Devices)-1]
	body, err := json.Marshal(map[string]any{"thumbprint": d.Thumbprint, "active_from": d.ActiveFrom, "how": d.Proof.How})
	if err != nil {
		panic(fmt.Sprintf("identity: inbox entry: %v", err)) // plain values
	}
	return []store.Entry{{Log: "inbox/" + p.ID, Kind: "device_key.added", Body: body}}
}
