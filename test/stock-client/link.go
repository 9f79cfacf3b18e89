package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// linkVersion is the API group and version under which Skupper publishes Link and AccessToken.
var linkVersion = schema.GroupVersion{Group: "skupper.io", Version: "v2alpha1"}

// Endpoint is one address of the accepting site's routers, under the role that connects to it.
type Endpoint struct {
	Name  string `json:"name,omitempty"`
	Host  string `json:"host,omitempty"`
	Port  string `json:"port,omitempty"`
	Group string `json:"group,omitempty"`
}

// LinkSpec has the fields that a redemption fills.
type LinkSpec struct {
	Endpoints      []Endpoint        `json:"endpoints,omitempty"`
	Cost           int               `json:"cost,omitempty"`
	TLSCredentials string            `json:"tlsCredentials,omitempty"`
	Settings       map[string]string `json:"settings,omitempty"`
}

// Link is the part of Skupper's Link resource that a requesting site reads.
type Link struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              LinkSpec `json:"spec"`
}

// DeepCopyObject makes Link a runtime.Object, which a scheme's decoder returns.
func (l *Link) DeepCopyObject() runtime.Object {
	out := *l
	out.ObjectMeta = *l.ObjectMeta.DeepCopy()
	out.Spec.Endpoints = append([]Endpoint(nil), l.Spec.Endpoints...)
	return &out
}

// AccessTokenSpec has the URL to redeem at, the code, and the CA that the server's certificate must verify against.
type AccessTokenSpec struct {
	URL  string `json:"url"`
	Code string `json:"code"`
	CA   string `json:"ca"`
}

// AccessToken is the part of Skupper's AccessToken resource that a redeemer reads.
type AccessToken struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              AccessTokenSpec `json:"spec"`
}

// DeepCopyObject makes AccessToken a runtime.Object.
func (t *AccessToken) DeepCopyObject() runtime.Object {
	out := *t
	out.ObjectMeta = *t.ObjectMeta.DeepCopy()
	return &out
}
