// How Teams sets a card: https://github.com/microsoft/AdaptiveCards/tree/main/samples/HostConfig (microsoft-teams-*)
// gives the measures. The colours are this page's variables, so light and dark change without drawing again.

const both = (color, subtle = color) => ({ default: color, subtle });

const FOREGROUND = {
  default: both("var(--text)", "var(--quiet)"),
  dark: both("#242424", "#5c5c5c"),
  light: both("#ffffff", "#d6d6d6"),
  accent: both("var(--accent)"),
  good: both("var(--good)"),
  warning: both("var(--warning)"),
  attention: both("var(--attention)"),
};

const SIZES = { small: 12, default: 14, medium: 14, large: 18, extraLarge: 24 };
const WEIGHTS = { lighter: 300, default: 400, bolder: 600 };

const boxed = (backgroundColor) => ({ backgroundColor, foregroundColors: FOREGROUND });
const face = (fontFamily) => ({ fontFamily, fontSizes: SIZES, fontWeights: WEIGHTS });

export const TEAMS = {
  supportsInteractivity: true,
  spacing: { small: 8, default: 12, medium: 16, large: 20, extraLarge: 24, padding: 16 },
  separator: { lineThickness: 1, lineColor: "var(--line)" },
  imageSizes: { small: 32, medium: 52, large: 100 },
  fontTypes: { default: face("var(--font)"), monospace: face("var(--mono)") },
  lineHeights: { small: 16, default: 20, medium: 20, large: 24, extraLarge: 32 },
  containerStyles: {
    default: boxed("transparent"),
    emphasis: boxed("var(--box-emphasis)"),
    good: boxed("var(--box-good)"),
    warning: boxed("var(--box-warning)"),
    attention: boxed("var(--box-attention)"),
    accent: boxed("var(--box-accent)"),
  },
  actions: {
    maxActions: 6,
    spacing: "default",
    buttonSpacing: 8,
    showCard: { actionMode: "inline", inlineTopMargin: 16, style: "emphasis" },
    preExpandSingleShowCardAction: false,
    actionsOrientation: "horizontal",
    actionAlignment: "left",
  },
  adaptiveCard: { allowCustomStyle: false },
  imageSet: { imageSize: "medium", maxImageHeight: 100 },
  factSet: { title: { weight: "bolder", wrap: true }, value: { wrap: true }, spacing: 16 },
  textBlock: { headingLevel: 3 },
  inputs: {
    label: { inputSpacing: "small", requiredInputs: { weight: "bolder", suffix: " *", suffixColor: "attention" },
      optionalInputs: { weight: "bolder" } },
    errorMessage: { color: "attention", size: "small" },
  },
};
