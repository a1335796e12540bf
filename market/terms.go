package market

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gowebpki/jcs"

	"hezuo/fault"
)

// Provider is who brings something to the work.
type Provider string

// The providers.
const (
	ByEmployer Provider = "employer"
	ByTeam     Provider = "team"
	ByNobody   Provider = "none"
)

// PayDay is when the pay is due.
type PayDay string

// The pay days. Pay goes to each worker's own account, on time and in full
// (保障农民工工资支付条例 art 11, 13).
const (
	PayDaily        PayDay = "daily"
	PayWeekly       PayDay = "weekly"
	PayMonthly      PayDay = "monthly"
	PayOnCompletion PayDay = "on_completion"
)

// Site is where the work is.
type Site struct {
	Place  string `json:"place" pattern:"^[0-9]{6}([0-9]{3})?$" doc:"Code of the county (6 digits) or town (9 digits), from /v1/places"`
	Detail string `json:"detail,omitempty" maxLength:"200" doc:"Village, road, field; no phone number"`
	Point  *Point `json:"point,omitempty" doc:"Coordinates (WGS 84), if known; else the place's are used"`
}

// Validate reports what is wrong, naming fields under path.
func (s Site) Validate(path string) error {
	var errs []error
	if _, ok := PlaceByCode(s.Place); !ok {
		errs = append(errs, fault.Field(path+".place", "no county or town has this code", "take a code from /v1/places"))
	}
	errs = append(errs, checkText(path+".detail", s.Detail, 0, 200))
	if s.Point != nil {
		for _, f := range fault.All(s.Point.Validate()) {
			errs = append(errs, renamed(f, path+".point."+f.Field))
		}
	}
	return errors.Join(errs...)
}

// Where gives the site's coordinates: its own, or its place's.
func (s Site) Where() Point {
	if s.Point != nil {
		return *s.Point
	}
	p, _ := PlaceByCode(s.Place)
	return Point{p.Lat, p.Lon}
}

// Conditions are what the work brings beside pay.
type Conditions struct {
	Meals     Provider `json:"meals" enum:"employer,team,none" doc:"Who provides meals"`
	Lodging   Provider `json:"lodging" enum:"employer,team,none" doc:"Who provides lodging"`
	Transport Provider `json:"transport" enum:"employer,team,none" doc:"Who provides transport"`
}

// Validate reports what is wrong, naming fields under path.
func (c Conditions) Validate(path string) error {
	return errors.Join(
		c.Meals.validate(path+".meals"), c.Lodging.validate(path+".lodging"), c.Transport.validate(path+".transport"))
}

func (p Provider) validate(field string) error {
	switch p {
	case ByEmployer, ByTeam, ByNobody:
		return nil
	}
	return fault.Field(field, "this is no answer to who provides it", "use one of employer, team, none")
}

// Terms (协议条款) are what both sides agree on, whole: a proposal is all of them,
// so that what is accepted is what was seen.
type Terms struct {
	Task         string     `json:"task" minLength:"2" maxLength:"2000" doc:"What is to be done"`
	Trade        string     `json:"trade" doc:"Code of the trade, from /v1/trades"`
	Site         Site       `json:"site"`
	Period       Period     `json:"period"`
	HoursPerDay  float64    `json:"hours_per_day" minimum:"0.5" maximum:"12" doc:"Hours of work a day, in half hours"`
	People       int        `json:"people" minimum:"1" maximum:"1000" doc:"How many people the team sends, on each day"`
	Pay          Pay        `json:"pay"`
	PayDay       PayDay     `json:"pay_day" enum:"daily,weekly,monthly,on_completion" doc:"When pay is due"`
	Conditions   Conditions `json:"conditions"`
	Insurance    Provider   `json:"insurance" enum:"employer,team,none" doc:"Who buys accident insurance for the workers"`
	Safety       string     `json:"safety,omitempty" maxLength:"1000" doc:"Safety duties"`
	Tools        Provider   `json:"tools" enum:"employer,team,none" doc:"Who brings the tools"`
	Weather      string     `json:"weather,omitempty" maxLength:"500" doc:"What holds when the weather stops the work"`
	Cancellation string     `json:"cancellation,omitempty" maxLength:"500" doc:"What holds when a side cannot keep its word"`
}

// Validate reports every field that is wrong, naming fields under path.
func (t Terms) Validate(path string) error {
	errs := []error{
		checkText(path+".task", t.Task, 2, 2000),
		checkTrade(path+".trade", t.Trade),
		t.Site.Validate(path + ".site"),
		t.Period.Validate(path + ".period"),
		checkHours(path+".hours_per_day", t.HoursPerDay),
		checkPeople(path+".people", t.People),
		t.Pay.Validate(path + ".pay"),
		t.Conditions.Validate(path + ".conditions"),
		t.Insurance.validate(path + ".insurance"),
		t.Tools.validate(path + ".tools"),
		checkText(path+".safety", t.Safety, 0, 1000),
		checkText(path+".weather", t.Weather, 0, 500),
		checkText(path+".cancellation", t.Cancellation, 0, 500),
	}
	switch t.PayDay {
	case PayDaily, PayWeekly, PayMonthly, PayOnCompletion:
	default:
		errs = append(errs, fault.Field(path+".pay_day", "this is no pay day", "use one of daily, weekly, monthly, on_completion"))
	}
	return errors.Join(errs...)
}

// Canonical gives the terms' canonical bytes (RFC 8785): what both sides accept
// and sign, to the byte.
func (t Terms) Canonical() ([]byte, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("terms: %w", err)
	}
	c, err := jcs.Transform(b)
	if err != nil {
		return nil, fmt.Errorf("terms: %w", err)
	}
	return c, nil
}

// Hash gives the hex SHA-256 of the canonical bytes: the name by which terms are
// accepted.
func (t Terms) Hash() (string, error) {
	c, err := t.Canonical()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(c)
	return hex.EncodeToString(sum[:]), nil
}

func checkTrade(field, code string) error {
	if _, ok := TradeByCode(code); !ok {
		return fault.Field(field, "no trade has this code", "take a code from /v1/trades")
	}
	return nil
}

// MaxHours is the longest working day that can be posted, hours.
const MaxHours = 12

func checkHours(field string, h float64) error {
	if !(h >= 0.5 && h <= MaxHours) || h*2 != float64(int(h*2)) {
		return fault.Field(field, "these are no hours of a working day", "give 0.5 to 12, in half hours")
	}
	return nil
}

// MaxPeople is the most people that one job or team can name.
const MaxPeople = 1000

func checkPeople(field string, n int) error {
	if n < 1 || n > MaxPeople {
		return fault.Field(field, "the number of people is out of range", "give 1 to 1000")
	}
	return nil
}
