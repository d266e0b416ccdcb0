import yaml

from motilens.motility.baselines import FEATURE_EXTRACTORS
from motilens.pipeline.config import SCHEMA, check_config, read_config_files
from motilens.reports.method_descriptions import BASELINES, ENCODERS, describe_methods
from support.project import ROOT


def describe(*names, **changes):
    schema = yaml.safe_load(SCHEMA.read_text())
    config = check_config(read_config_files(ROOT / "config" / name for name in names), schema)
    return dict(describe_methods(config | changes).itertuples(index=False))


def test_each_method_of_our_configurations_is_described():
    texts = describe("extra_methods.yaml", "study.yaml")
    assert texts["I2"].endswith("makes of 1 frame, repeated 9 times")
    assert "an autoencoder (variational)" in texts["I4_variational"]
    assert texts["LSTM"] == f"{texts['none']}; regressor: {{recurrent: true}}"
    assert texts["I4_ssim"].endswith("; autoencoder: {variant: standardized, loss: {ssim: 1}}")
    assert texts["flow_and_cells"] == "the mean of the predictions of flow_tuned, cells"
    assert len(set(texts.values())) == len(texts)


def test_each_name_that_the_schema_knows_has_a_sentence():
    schema = yaml.safe_load(SCHEMA.read_text())["properties"]
    [of_input] = schema["inputs"]["patternProperties"].values()
    assert set(ENCODERS) == set(of_input["properties"]["encoder"]["enum"])
    assert set(BASELINES) == set(schema["baselines"]["items"]["enum"]) > set(FEATURE_EXTRACTORS)


def test_methods_of_others_are_named_as_such():
    texts = describe("config.yaml", external={"theirs": "a"}, baselines=["mine"])
    assert texts["theirs"] == "predictions made elsewhere"
    assert texts["mine"].endswith("your plugins")
