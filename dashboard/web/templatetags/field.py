"""How the field's numbers read on a page."""

from django import template

register = template.Library()
