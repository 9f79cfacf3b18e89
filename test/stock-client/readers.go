package main

import (
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const lookahead = 1024

// received is the Secret and the Links that a reader found in a response.
type received struct {
	secret *corev1.Secret
	links  []*Link
}

// newScheme returns a scheme with the kinds of tokens and answers.
func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	scheme.AddKnownTypes(linkVersion, &Link{}, &AccessToken{})
	return scheme, nil
}

// decodeTyped decodes the next document of the stream as a T; it ignores unknown fields and does not check the kind.
func decodeTyped[T any](documents *yaml.YAMLOrJSONDecoder) (*T, error) {
	into := new(T)
	if err := documents.Decode(into); err != nil {
		return nil, err
	}
	return into, nil
}

// readKubernetes reads as a controller does: the first document is the Secret, those after it are Links, and the first
// one that cannot be decoded ends the list without an error.
func readKubernetes(body io.Reader) (*received, error) {
	documents := yaml.NewYAMLOrJSONDecoder(body, lookahead)
	secret, err := decodeTyped[corev1.Secret](documents)
	if err != nil {
		return nil, fmt.Errorf("could not decode response: %w", err)
	}
	result := &received{secret: secret}
	for {
		link, err := decodeTyped[Link](documents)
		if err != nil {
			return result, nil
		}
		result.links = append(result.links, link)
	}
}

// readStrict reads as a site outside Kubernetes does: each document by its apiVersion and kind, the Secret first, and
// anything but the end of the stream after the last Link is an error.
func readStrict(body io.Reader) (*received, error) {
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	decoder := serializer.NewCodecFactory(scheme).UniversalDeserializer()
	documents := yaml.NewYAMLOrJSONDecoder(body, lookahead)
	result := &received{}
	for number := 1; ; number++ {
		var raw runtime.RawExtension
		if err := documents.Decode(&raw); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("document %d: %w", number, err)
		}
		if len(raw.Raw) == 0 {
			continue
		}
		object, _, err := decoder.Decode(raw.Raw, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", number, err)
		}
		switch typed := object.(type) {
		case *corev1.Secret:
			if result.secret != nil || len(result.links) > 0 {
				return nil, fmt.Errorf("document %d: a Secret that is not the first document", number)
			}
			result.secret = typed
		case *Link:
			if result.secret == nil {
				return nil, fmt.Errorf("document %d: a Link before the Secret", number)
			}
			result.links = append(result.links, typed)
		default:
			return nil, fmt.Errorf("document %d: unexpected %T", number, typed)
		}
	}
	if result.secret == nil {
		return nil, errors.New("no Secret in the response")
	}
	return result, nil
}
