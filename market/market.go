package market

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// Market (零工市场) is a county's public gig market.
type Market struct {
	County    string    `json:"county"` // GB/T 2260 code; also the market's id
	Name      string    `json:"name"`
	Settings  Settings  `json:"settings"`
	Operators []string  `json:"operators,omitempty"` // person ids
	Created   time.Time `json:"created"`
}

// Settings are what a market's operators may set.
type Settings struct {
	FirstLookMinutes int            `json:"first_look_minutes" minimum:"1" maximum:"10080" doc:"How long cooperatives have the first look at a job, minutes; at most a week"`
	FirstLookOff     *FirstLookOff  `json:"first_look_off,omitempty" doc:"Set while the first look is switched off"`
	RadiusKm         float64        `json:"radius_km" minimum:"1" maximum:"500" doc:"The furthest a team is looked for, km"`
	OffersPerPlace   int            `json:"offers_per_place" minimum:"1" maximum:"10" doc:"How many people may have an offer for one open place at a time"`
	Deadlines        OfferDeadlines `json:"deadlines"`
}

// OfferDeadlines are the times that a handshake has.
type OfferDeadlines struct {
	OfferMinutes int `json:"offer_minutes" minimum:"1" maximum:"10080" doc:"To say yes to an offer, minutes"`
	TalkMinutes  int `json:"talk_minutes" minimum:"1" maximum:"20160" doc:"To agree on terms, minutes"`
	SignMinutes  int `json:"sign_minutes" minimum:"1" maximum:"20160" doc:"To sign what was agreed, minutes"`
}

// FirstLookOff is the record that a market has switched its first look off:
// possible only with a reason and an end (公平竞争审查条例 art 12).
type FirstLookOff struct {
	Reason string    `json:"reason" minLength:"5" maxLength:"500" doc:"Why"`
	Until  time.Time `json:"until" doc:"When the first look is on again, by itself"`
}

// DefaultSettings are those of a new market.
func DefaultSettings() Settings {
	return Settings{
		FirstLookMinutes: 4 * 60,
		RadiusKm:         40,
		OffersPerPlace:   3,
		Deadlines:        OfferDeadlines{OfferMinutes: 2 * 60, TalkMinutes: 24 * 60, SignMinutes: 24 * 60},
	}
}

// FirstLook gives how long cooperatives have the first look at a job that opens
// now; zero while it is switched off (意见三（八）).
func (s Settings) FirstLook(now time.Time) time.Duration {
	if s.FirstLookOff != nil && now.Before(s.FirstLookOff.Until) {
		return 0
	}
	return time.Duration(s.FirstLookMinutes) * time.Minute
}

// Validate reports every setting that is wrong.
func (s Settings) Validate(path string, now time.Time) error {
	var errs []error
	within := func(field string, n, least, most int) {
		if n < least || n > most {
			errs = append(errs, fault.Field(path+"."+field, "this is out of range", fmt.Sprintf("give %d to %d", least, most)))
		}
	}
	within("first_look_minutes", s.FirstLookMinutes, 1, 7*24*60)
	within("offers_per_place", s.OffersPerPlace, 1, 10)
	within("deadlines.offer_minutes", s.Deadlines.OfferMinutes, 1, 7*24*60)
	within("deadlines.talk_minutes", s.Deadlines.TalkMinutes, 1, 14*24*60)
	within("deadlines.sign_minutes", s.Deadlines.SignMinutes, 1, 14*24*60)
	if !(s.RadiusKm >= 1 && s.RadiusKm <= 500) {
		errs = append(errs, fault.Field(path+".radius_km", "this is out of range", "give 1 to 500 km"))
	}
	if off := s.FirstLookOff; off != nil {
		errs = append(errs, checkText(path+".first_look_off.reason", off.Reason, 5, 500))
		if !off.Until.After(now) || off.Until.After(now.AddDate(0, 0, MaxDays)) {
			errs = append(errs, fault.Field(path+".first_look_off.until", "this is not within the coming year", "the first look can be switched off only up to a named end"))
		}
	}
	return errors.Join(errs...)
}

// Change sets the settings.
func (m *Market) Change(s Settings, reason string, now time.Time) ([]store.Entry, error) {
	if err := errors.Join(s.Validate("settings", now), CheckReason(reason)); err != nil {
		return nil, err
	}
	before := m.Settings
	m.Settings = s
	return []store.Entry{store.Audit("market.settings", reason, map[string]any{"before": before, "after": s})}, nil
}

// Appoint makes a person one of the market's operators (市场运营员), or no longer.
func (m *Market) Appoint(person string, operator bool, reason string) ([]store.Entry, error) {
	if err := CheckReason(reason); err != nil {
		return nil, err
	}
	if slices.Contains(m.Operators, person) == operator {
		return nil, nil
	}
	act := "market.appoint"
	if operator {
		m.Operators = append(m.Operators, person)
	} else {
		act = "market.dismiss"
		m.Operators = slices.DeleteFunc(m.Operators, func(p string) bool { return p == person })
	}
	return []store.Entry{store.Audit(act, reason, map[string]string{"person": person})}, nil
}

// CheckReason reports what is wrong with the reason of an act that needs one.
func CheckReason(reason string) error { return checkText("reason", reason, 4, 500) }
