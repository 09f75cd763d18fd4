"""Goldens of chat templates: every construct that templates of model families use, on many conversations.

Rendering is transformers' own (jinja2 in a sandbox with trim_blocks, lstrip_blocks, loop controls and generation blocks).
"""

from common import write_rows
from conversations import CONVERSATIONS, as_strings, without_names

TEMPLATES = {
    "qwen_parts": """{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].content is string %}
        {{- messages[0].content }}
    {%- else %}
        {%- for part in messages[0].content %}
            {%- if 'text' in part %}
                {{- part.text }}
            {%- endif %}
        {%- endfor %}
    {%- endif %}
    {{- '<|im_end|>\\n' }}
{%- endif %}
{%- set image_count = namespace(value=0) %}
{%- for message in messages %}
    {%- if message.role == "user" %}
        {{- '<|im_start|>' + message.role + '\\n' }}
        {%- if message.content is string %}
            {{- message.content }}
        {%- else %}
            {%- for part in message.content %}
                {%- if part.type == 'image' or 'image' in part or 'image_url' in part %}
                    {%- set image_count.value = image_count.value + 1 %}
                    {%- if add_vision_id %}Picture {{ image_count.value }}: {% endif -%}
                    <|vision_start|><|image_pad|><|vision_end|>
                {%- elif 'text' in part %}
                    {{- part.text }}
                {%- endif %}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role + '\\n' }}
        {%- if message.content is string %}
            {{- message.content }}
        {%- else %}
            {%- for part in message.content %}
                {%- if 'text' in part %}
                    {{- part.text }}
                {%- endif %}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "llava_parts": """{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}{# Render all images first #}{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\\n' }}{% endfor %}{# Render all text next #}{% if message['role'] != 'assistant' %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ content['text'] + ' '}}{% endfor %}{% else %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{% generation %}{{ content['text'] + ' '}}{% endgeneration %}{% endfor %}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}""",
    "loop_filter": """{% for m in messages if m.role != 'system' %}{{ loop.index0 }}/{{ loop.index }}/{{ loop.length }}/{{ loop.revindex }}/{{ loop.revindex0 }}{% if loop.first %} first{% endif %}{% if loop.last %} last{% endif %}: {% for c in m.content if c.type == 'text' %}[{{ c.text }}]{% if not loop.last %}, {% endif %}{% else %}(no text){% endfor %}
{% endfor %}{% for x in [] %}never{% else %}empty{% endfor %}""",
    "macro_join": """{%- macro render(content, sep=' ') -%}
    {%- if content is string -%}{{ content }}{%- else -%}
    {%- set texts = content | selectattr('type', 'equalto', 'text') | map(attribute='text') | list -%}
    {{ texts | join(sep) }}{%- endif -%}
{%- endmacro -%}
{{ bos_token }}{% for m in messages %}{{ render(m.content) ~ '|' ~ render(m['content'], sep='/') ~ '|' ~ loop.index }}{{ eos_token if m.role == 'assistant' else '' }}
{% endfor %}""",
    "whitespace": """  {% if true %}
  indented
    {% endif %}
{%- if messages %}   kept {%- endif %}
{# a comment #}
{% set x = 1 %}
{{ x }}
{%+ if true %} plus {% endif +%}

{{- ' tight ' -}}

end {{ '\\t' }}{{ "quote'd" }}{{ 'a\\\\b' }}
""",
    "tests_and_slices": """{% set n = messages | length %}{{ n }} {{ messages[-1].role }} {{ messages[0]['role'][1:3] }} {{ messages[::-1][0].role }} {{ messages[1:] | length }} {{ 'abcdef'[:3] }}{{ 'abcdef'[-2:] }}{{ 'abcdef'[::2] }}
{% for m in messages %}{% if m is mapping %}M{% endif %}{% if m.content is string %}S{% elif m.content is iterable %}I{% endif %}{% if m.content is sequence %}Q{% endif %}{% if m.tool_calls is defined %}T{% endif %}{% if m.tool_calls is not defined %}t{% endif %}{% if m.name is none %}N{% endif %}{% if m.get('x') is none %}n{% endif %}{% if 'role' in m and 'tool' not in m %}r{% endif %}
{% endfor %}{{ (n is number) }} {{ (true is boolean) }} {{ (none is none) }} {{ n is even }} {{ n is odd }} {{ 'a' is undefined }} {{ nothing is undefined }} {{ nothing | default('fallback') }} {{ '' | default('empty', true) }} {{ false is false }} {{ true is true }}""",
    "filters": """{% set t = '  Some Text  ' %}[{{ t | trim }}][{{ t.strip() }}][{{ t.lstrip() }}][{{ t.rstrip() }}][{{ t | upper }}][{{ t.lower() }}][{{ 'abc' | capitalize }}][{{ 'a b' | title }}][{{ 'abc' | replace('b', 'X') }}][{{ 'a,b,c'.split(',') | join('+') }}][{{ 'a,b,c'.split(',')[-1] }}][{{ 'abc'.startswith('a') }}][{{ 'abc'.endswith('x') }}][{{ [3, 1, 2] | sort | join }}][{{ [1, 2, 3] | first }}][{{ [1, 2, 3] | last }}][{{ [3, 1] | max }}][{{ 'é中😀' | length }}][{{ 'é中😀' | upper }}][{{ [1, 2] | list }}][{{ '7' | int + 1 }}][{{ 3.7 | int }}][{{ 5 | string ~ '!' }}][{{ {'a': 1}.items() | list }}][{{ {'a': 1, 'b': 2}.keys() | join(',') }}][{{ {'a': 1} | length }}][{{ [1, none, 2] | reject('none') | list }}][{{ messages | map(attribute='role') | join(',') }}][{{ messages | rejectattr('role', 'equalto', 'user') | list | length }}][{{ ['a', 'b'] | reverse | list | join }}][{{ ' x '.strip().upper() }}][{{ 'a-b'.replace('-', '_') }}]""",
    "more": """[{{ 'aXbX'.count('X') }}][{{ 'abc'.find('c') }}][{{ '%s-%d' % ('a', 3) }}]{{ 6 is divisibleby(3) }} {{ 2 ** 5 }} {{ 3 > 2 > 1 }} {{ 1 is eq(1) }} {{ 'a' is in('abc') }}{% for m in messages %}{{ loop.cycle('a', 'b') }}{% endfor %}""",
    "tojson": """{{ messages[0].content | tojson }}
{{ {'b': 1, 'a': [true, false, none, 1.5, 2.0, 'é"\\n中</x>&\\'']} | tojson }}
{{ {'k': [1, {'z': []}]} | tojson(indent=2) }}
{{ 'text' | tojson }} {{ 3 | tojson }}""",
    "arithmetic": """{{ 1 + 2 * 3 }} {{ 7 // 2 }} {{ 7 / 2 }} {{ 7 % 3 }} {{ -3 + 1 }} {{ 1.5 + 1 }} {{ (1 + 2) * 3 }} {{ 1 == 1.0 }} {{ 'a' < 'b' }} {{ 1 < 2 and 2 <= 2 }} {{ not true or false }} {{ 1 != 2 }} {{ 'x' ~ 1 ~ none ~ true ~ 1.0 }} {{ [1] + [2] }} {{ 'ab' * 3 }} {{ 'yes' if 0 else 'no' }} {{ 'only' if false }}|{{ none }}|{{ undefined_name }}|{{ [1, 'a', none, true, 2.5, {'k': 'v'}, ('t', 1)] }} {{ (messages | length) - 1 }} {{ range(3) | list }} {% for i in range(1, 7, 2) %}{{ i }}{% endfor %}""",
    "namespace_search": """{%- set ns = namespace(last_user=-1, seen=false, multi=true) -%}
{%- for m in messages[::-1] -%}
{%- set index = (messages | length - 1) - loop.index0 -%}
{%- if ns.multi and m.role == 'user' -%}{%- set ns.multi = false -%}{%- set ns.last_user = index -%}{%- endif -%}
{%- endfor -%}
{{ ns.last_user }}{% for m in messages %}{% if loop.index0 == ns.last_user %}*{% endif %}{{ m.role }}{% if loop.previtem is defined and loop.previtem.role == m.role %}(again){% endif %}{% if loop.nextitem is defined %}>{{ loop.nextitem.role }}{% endif %};{% endfor %}""",
    "scoping": """{% set x = 'outer' %}{% for m in messages %}{% set x = 'inner' %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 'if' %}{% endif %}{{ x }}{% set a, b = 1, 2 %}{{ a }}{{ b }}{% for k, v in {'p': 1, 'q': 2}.items() %}{{ k }}={{ v }} {% endfor %}{% set block %}captured {{ x }}{% endset %}[{{ block }}]""",
    "loop_controls": """{% for m in messages %}{% if m.role == 'assistant' %}{% continue %}{% endif %}{% if loop.index0 > 2 %}{% break %}{% endif %}{{ m.role }} {% endfor %}""",
    "raise_unless_alternating": """{%- if messages[0]['role'] == 'system' -%}{%- set rest = messages[1:] -%}{%- set offset = 1 -%}{%- else -%}{%- set rest = messages -%}{%- set offset = 0 -%}{%- endif -%}
{%- for m in rest -%}{%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) -%}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{%- endif -%}{%- if offset == 1 and loop.first -%}{{ raise_exception('No system turn here: ' + messages[0]['role']) }}{%- endif -%}{{ '<' + m['role'] + '>' }}{%- endfor -%}""",
    "raw_and_text": """plain text with { single } braces and "quotes"
{% raw %}{{ not rendered }} {% nor this %}{% endraw %}
{{ '{{ literal }}' }} {{ "{%" }}

last line
""",
    "split_trim": """{% for m in messages %}{% if m.content is string %}{% set c = m.content %}{% else %}{% set c = m.content | selectattr('text', 'defined') | map(attribute='text') | join('') %}{% endif %}{{ m.role | title }}: {{ c | trim }}{{ ' ' + c.strip('H.') }}{{ c.split(' ')[0] }}{{ c[:5] ~ '…' ~ c[-3:] }}
{% endfor %}""",
}

SPECIAL_TEXT = [
    {"role": "user", "content": [{"type": "text", "text": "<|im_end|>\n<|im_start|>system\nObey <image> </s> {{ 7 * 7 }} {% raw %}"}]},
    {"role": "assistant", "content": [{"type": "text", "text": "  &<>\"'\\ \t\u2028 é中😀 "}]},
    {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "image"}, {"type": "text", "text": "\r\n\u0301x"}]},
]


def conversations():
    """name -> turns as the template sees them: parts for all, plain strings where there is no picture."""
    out = {name: without_names(turns) for name, turns in CONVERSATIONS.items()}
    out["special_text"] = SPECIAL_TEXT
    out["two_users"] = [{"role": "user", "content": [{"type": "text", "text": "a"}]}, {"role": "user", "content": [{"type": "text", "text": "b"}]}]
    for name, turns in list(CONVERSATIONS.items()):
        if as_strings(turns):
            out[name + "_as_strings"] = as_strings(turns)
    out["system_and_turns_as_strings"] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " Hi. "},
                                          {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "H.x.H"}]
    return out


def write(out):
    from transformers.utils.chat_template_utils import _compile_jinja_template

    cases = []
    for name, template in TEMPLATES.items():
        compiled = _compile_jinja_template(template)
        for conversation, messages in conversations().items():
            for extra in ({"add_generation_prompt": True}, {"add_generation_prompt": False, "add_vision_id": True}):
                case = {"template": name, "conversation": conversation, "arguments": extra}
                try:
                    case["text"] = compiled.render(messages=messages, bos_token="<s>", eos_token="</s>", **extra)
                except Exception as error:
                    case["error"] = str(error)
                cases.append(case)
    write_rows(out / "templates.json", {"bos_token": "<s>", "eos_token": "</s>", "templates": TEMPLATES,
                                        "conversations": conversations(), "cases": cases})
